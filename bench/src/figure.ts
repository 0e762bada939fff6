/** One line of the result. */
export interface Figure {
  name: string
  value: number
  unit: '/s' | 'ms' | 's' | 'kB' | 'MB' | '×' | ''
  /** Lowest and highest of the slices: how much the machine wavers. */
  spread?: readonly [min: number, max: number]
  /** The same of the floor, measured in turns with it. */
  floor?: { value: number; spread: readonly [min: number, max: number] }
  target?: Target
  note?: string
  /** For the JSON only. */
  details?: object
}

/** What a value must be, or its share of the floor. */
type Target = { atLeast: number } | { below: number } | { atLeastOfFloor: number }

/** The share of the floor; undefined for a figure that has none. */
export const shareOf = ({ value, floor }: Figure): number | undefined => floor && value / floor.value

/** Undefined for a figure without a target. */
export function isMet(figure: Figure): boolean | undefined {
  const { value, target } = figure
  if (!target) return undefined
  if ('atLeast' in target) return value >= target.atLeast
  if ('below' in target) return value < target.below
  return (shareOf(figure) ?? 0) >= target.atLeastOfFloor
}

/** A table for people to read. */
export function tableOf(figures: readonly Figure[]): string {
  const head = ['figure', 'measured', 'slices', 'floor', 'slices', 'ratio', 'target', 'met', '']
  const rows = figures.map((figure) => {
    const { name, value, unit, spread, floor, note = '' } = figure
    const share = shareOf(figure)
    const met = isMet(figure)
    return [
      name,
      show(value, unit),
      spread ? showSpread(spread, unit) : '',
      floor ? show(floor.value, unit) : '',
      floor ? showSpread(floor.spread, unit) : '',
      share === undefined ? '' : percent(share),
      targetText(figure),
      met === undefined ? '' : met ? 'yes' : 'NO',
      note,
    ]
  })
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 || i === 8 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function targetText({ target, unit }: Figure): string {
  if (!target) return ''
  if ('atLeast' in target) return `≥ ${show(target.atLeast, unit)}`
  return 'below' in target ? `< ${show(target.below, unit)}` : `≥ ${percent(target.atLeastOfFloor)}`
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

const digits = (value: number): number => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)

const number = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: digits(value), minimumFractionDigits: 0 })

const show = (value: number, unit: Figure['unit']): string =>
  unit === '/s' || unit === '×' || unit === '' ? `${number(value)}${unit}` : `${number(value)} ${unit}`

const showSpread = ([min, max]: readonly [number, number], unit: Figure['unit']): string =>
  unit === '/s' ? `${number(min)}–${number(max)}` : `${number(min)}–${number(max)} ${unit}`
