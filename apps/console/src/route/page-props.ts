/** Values of the parts of a path that a pattern names. */
export type PageParams = Readonly<Record<string, string>>

/** What every page gets. */
export interface PageProps {
  params: PageParams
}
