/** A media type that is valid in a header. */
const TYPE = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/
/** Types that a browser could execute if it did not download them. */
const ACTIVE = /html|xml|svg|script/i
/** Types that a browser can only display. */
const SHOWN = /^(image|audio|video)\//

/** Metadata of a file with untrusted content. */
export interface ShownFile {
  type?: string | undefined
  name?: string | undefined
  /** Shows pictures, sound and films in their place. Default: false, everything is a download. */
  inline?: boolean
}

/** Headers that keep a browser from running it, whatever it is. */
export function fileHeaders({ type: given = '', name, inline = false }: ShownFile): Record<string, string> {
  const [bare = ''] = given.split(';')
  const isSafe = TYPE.test(bare.trim()) && !ACTIVE.test(bare)
  const type = isSafe ? bare.trim() : 'application/octet-stream'
  const disposition = inline && SHOWN.test(type) ? 'inline' : 'attachment'
  return {
    'content-type': type,
    'content-disposition': name ? `${disposition}; filename*=UTF-8''${encoded(name)}` : disposition,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'referrer-policy': 'no-referrer',
  }
}

/** Controls that change the direction of what follows: with one of them `gpj.exe` shows as `exe.jpg`. */
const BIDI_CONTROLS = /\p{Bidi_Control}/gu

/** RFC 8187: `encodeURIComponent` leaves some characters that it must not. */
const encoded = (name: string): string =>
  encodeURIComponent(name.toWellFormed().replace(BIDI_CONTROLS, '')).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
