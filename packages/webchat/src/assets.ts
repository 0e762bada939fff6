/** What a hub serves. For Node. */

/** A file whose name has a hash of its content. */
export interface ChatAsset {
  name: string
  file: URL
  /** Media type. */
  type: string
}

declare const __FILES__: readonly string[]

const here = (path: string): URL => new URL(path, import.meta.url)

/** The ES modules of the chat, one language each, and what they share. */
export const assets: readonly ChatAsset[] = __FILES__.map((name) => ({
  name,
  file: here(`assets/${name}`),
  type: 'text/javascript',
}))

/** The script for pages. It uses a variable `PLUGBOARD`, which the hub defines around it. */
export const loader: URL = here('loader.js')

const entry = (start: string): string => {
  const found = __FILES__.find((name) => name.startsWith(`${start}-`))
  if (found === undefined) throw new Error(`@plugboard/webchat was built without ${start}`)
  return found
}

/** Names of {@link assets}: the chat, which the loader imports, and the script of the page that is only a chat. */
export const entries: { readonly chat: string; readonly page: string } = {
  chat: entry('chat'),
  page: entry('page'),
}
