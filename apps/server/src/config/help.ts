import { CONFIG_FILE } from './read-config.js'
import { settingRows } from './settings.js'

const COMMANDS = {
  start: 'Start the server (also without a command).',
  'rotate-key': 'Seal all stored secrets with another key. Stop the server first.',
  copy: 'Copy everything: --from file:… --to mongodb://… (or any two). Stop all servers first.',
  'keys create':
    'Make a key of the Sunshine API: --app new|ID --scope app|account|integration [--integration ID] [--name N] [--json] [--url OF_A_RUNNING_SERVER]',
  'owners create':
    'Make a person own a project: --project new|ID --email E --password-stdin [--firstname F] [--lastname L] [--json] [--url OF_A_RUNNING_SERVER]',
  help: 'Show this.',
  version: 'Show the version.',
}

export type Command = keyof typeof COMMANDS

/** What `plugboard help` shows. */
export function helpText(): string {
  const commands = Object.entries(COMMANDS).map(([name, does]) => `  ${name.padEnd(15)}${does}`)
  const settings = settingRows.map(
    ({ key, initial, meaning }) => `  ${key}${initial === '' ? '' : `=${initial}`}\n      ${meaning}`,
  )
  return [
    'Usage: plugboard [command] [options]',
    '',
    ...commands,
    '',
    `Settings: environment variables, or members of ${CONFIG_FILE} in the working folder.`,
    '',
    ...settings,
    '',
  ].join('\n')
}

/** The table of settings in the README. */
export function settingsMarkdown(): string {
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
  const rows = settingRows.map(
    ({ key, initial, meaning }) => `| ${code(key)} | ${code(initial)} | ${meaning} |`,
  )
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}
