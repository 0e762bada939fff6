import { CONFIG_FILE } from '../config/read-config.js'
import { settingRows } from '../config/settings.js'
import { type Command, commands, isCommand } from './commands.js'

/** The output of `plugboard help`: of everything, of one command, or of those that begin with a word. */
export function helpText(name = ''): string {
  if (name === '') return overview()
  const names = isCommand(name) ? [name] : Object.keys(commands).filter((each) => each.startsWith(`${name} `))
  if (names.length === 0) return `There is no command "${name}".\n\n${list()}`
  return names.map((each) => commandHelp(each, commands[each as keyof typeof commands])).join('\n')
}

function overview(): string {
  const settings = settingRows.map(
    ({ key, initial, meaning }) => `  ${key}${initial === '' ? '' : `=${initial}`}\n      ${meaning}`,
  )
  return [
    'Usage: plugboard [command] [options]',
    '',
    list(),
    'plugboard help COMMAND shows the options of a command.',
    '',
    `Settings: environment variables, or keys in ${CONFIG_FILE} in the working folder.`,
    '',
    ...settings,
    '',
  ].join('\n')
}

function list(): string {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length)) + 2
  return Object.entries(commands)
    .map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}\n`)
    .join('')
}

function commandHelp(name: string, command: Command): string {
  const { summary, operands = [], options = {}, details = [], examples = [] } = command
  const rows = Object.entries(options).map(([option, { value, help }]) => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    help,
  ])
  const width = Math.max(0, ...rows.map(([option = '']) => option.length)) + 2
  return [
    `Usage: plugboard ${[name, ...operands].join(' ')}${rows.length > 0 ? ' [options]' : ''}`,
    '',
    summary,
    ...(rows.length > 0
      ? ['', ...rows.map(([option = '', help]) => `  ${option.padEnd(width)}${help}`)]
      : []),
    ...(details.length > 0 ? ['', ...details] : []),
    ...(examples.length > 0 ? ['', 'Examples:', ...examples.map((each) => `  plugboard ${each}`)] : []),
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
