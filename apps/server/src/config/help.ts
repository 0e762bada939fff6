import { CONFIG_FILE } from './read-config.js'
import { settingRows } from './settings.js'

const COMMANDS = {
  start: 'Start the server. This is the default command.',
  'rotate-key': 'Encrypt all stored secrets with a new key. Stop the server first.',
  copy: 'Copy a database to an empty one: --from file:… --to mongodb://…, in any combination. Stop all servers first.',
  'keys create':
    'Create a key of the Sunshine API: --app new|ID --scope app|account|integration [--integration ID] [--name N] [--json] [--url OF_A_RUNNING_SERVER]',
  'owners create':
    'Create the owner of a project: --project new|ID --email E --password-stdin [--firstname F] [--lastname L] [--json] [--url OF_A_RUNNING_SERVER]',
  help: 'Show this help.',
  version: 'Show the version.',
}

export type Command = keyof typeof COMMANDS

/** The output of `plugboard help`. */
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
    `Settings: environment variables, or keys in ${CONFIG_FILE} in the working folder.`,
    '',
    ...settings,
    '',
  ].join('\n')
}

/** The settings table in the README. */
export function settingsMarkdown(): string {
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
  const rows = settingRows.map(
    ({ key, initial, meaning }) => `| ${code(key)} | ${code(initial)} | ${meaning} |`,
  )
  return ['| setting | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}
