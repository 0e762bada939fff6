import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Asset, AssetFiles } from '../http/pages/asset-files.js'
import { lazy } from '../lazy.js'

/** What the package of the chat exports for servers. */
export interface ChatPackage {
  assets: readonly Asset[]
  /** The script that pages load. It has one free variable, `PLUGBOARD`. */
  loader: URL
  /** Names in `assets`. */
  entries: { chat: string; page: string; styles?: string | undefined }
}

/** The files of the chat. */
export class ChatFiles {
  readonly assets: AssetFiles
  readonly #load: () => Promise<ChatPackage>
  readonly #loader: () => Promise<string>

  /** `load`: imports the package. */
  constructor(load: () => Promise<ChatPackage>) {
    this.#load = lazy(load)
    this.assets = new AssetFiles(async () => (await this.#load()).assets)
    this.#loader = lazy(async () => readFile((await this.#load()).loader, 'utf8'))
  }

  async entries(): Promise<ChatPackage['entries']> {
    return (await this.#load()).entries
  }

  /** The script that a page loads, which begins with what it needs to know. */
  async loaderFor(settings: Readonly<Record<string, string>>): Promise<string> {
    return `(function(PLUGBOARD){${await this.#loader()}\n})(${asScript(settings)});\n`
  }
}

export const etagOf = (content: Uint8Array | string): string =>
  `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`

/** JSON that is a script too, wherever it stands. */
const asScript = (value: object): string =>
  JSON.stringify(value).replace(
    /[<\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
