import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { lazy } from '../../lazy.js'

/** A file for browsers. Its name has a hash of its content. */
export interface Asset {
  name: string
  file: URL
  type: string
}

/** The content of a file in the encodings that browsers take. */
interface Encoded {
  type: string
  identity: Buffer
  gzip: Buffer
  br: Buffer
}

type Encoding = 'br' | 'gzip' | 'identity'

const FOREVER = 'public, max-age=31536000, immutable'

const gzipped = promisify(gzip)
const brotli = promisify(brotliCompress)

/** Files for browsers. They are read and compressed once, when somebody asks for one. */
export class AssetFiles {
  readonly #load: () => Promise<readonly Asset[]>
  readonly #files = new Map<string, () => Promise<Encoded>>()

  /** `load`: imports their package. */
  constructor(load: () => Promise<readonly Asset[]>) {
    this.#load = load
  }

  /** Sends a file, which browsers may keep for ever. False if there is none of this name. */
  async send(name: string, { headers }: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const file = await this.#find(name)
    if (!file) return false
    const encoding = encodingFor(headers['accept-encoding'])
    void reply.headers({ 'cache-control': FOREVER, vary: 'Accept-Encoding' }).type(file.type)
    if (encoding !== 'identity') void reply.header('content-encoding', encoding)
    void reply.send(file[encoding])
    return true
  }

  async #find(name: string): Promise<Encoded | undefined> {
    const known = this.#files.get(name)
    if (known) return known()
    const asset = (await this.#load()).find((each) => each.name === name)
    if (!asset) return undefined
    const file = lazy(async () => encoded(typeOf(asset), await readFile(asset.file)))
    this.#files.set(name, file)
    return file()
  }
}

/** Scripts and style sheets are in UTF-8. */
const typeOf = ({ type }: Asset): string => (type.startsWith('text/') ? `${type}; charset=utf-8` : type)

async function encoded(type: string, identity: Buffer): Promise<Encoded> {
  const [small, smaller] = await Promise.all([
    gzipped(identity, { level: 9 }),
    brotli(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  ])
  return { type, identity, gzip: small, br: smaller }
}

/** What differs between requests is compressed for each, quickly. */
export const compressed = (text: string): Promise<Buffer> => gzipped(text)

/** The first of these encodings that a browser takes. */
export function encodingFor(
  accepted: string | undefined,
  offered: readonly Encoding[] = ['br', 'gzip'],
): Encoding {
  const names = (accepted ?? '').split(',').flatMap((each) => {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase())
    return parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter)) ? [] : [name]
  })
  return offered.find((each) => names.includes(each)) ?? 'identity'
}
