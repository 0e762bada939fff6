/** A size as people read it: in kilobytes, or in megabytes from one on. */
export function sizeOf(bytes: number, language: string): string {
  const [unit, value] = bytes < 2 ** 20 ? ['kilobyte', bytes / 2 ** 10] : ['megabyte', bytes / 2 ** 20]
  // However small a file is, it is not empty.
  const shown = Math.ceil(Number(value) * 10) / 10
  return new Intl.NumberFormat(language, { style: 'unit', unit: `${unit}`, maximumFractionDigits: 1 }).format(
    shown,
  )
}
