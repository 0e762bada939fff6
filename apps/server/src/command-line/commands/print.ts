import { plain } from '../../plain-text.js'

/** The result of a command: a line of JSON for programs, or lines for a person. */
export function print(isJson: boolean | undefined, value: unknown, lines: readonly string[]): void {
  for (const line of isJson ? [JSON.stringify(value)] : lines) console.log(plain(line))
}

/** Rows below their titles, in columns. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['(none)']
  const all = [titles, ...rows.map((row) => row.map(plain))]
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** All items of a list with cursors. */
export async function everyPage<T>(
  page: (after: string | undefined) => Promise<{ items: readonly T[]; after?: string | undefined }>,
): Promise<T[]> {
  const all: T[] = []
  for (let after: string | undefined; ; ) {
    const next = await page(after)
    all.push(...next.items)
    after = next.after
    if (after === undefined) return all
  }
}
