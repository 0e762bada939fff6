const SAFE = ['http:', 'https:', 'mailto:', 'tel:']

/** The address of a link if it may be one: `javascript:` and the like are undefined. */
export function safeLink(address: string): string | undefined {
  try {
    const { protocol, href } = new URL(address)
    return SAFE.includes(protocol) ? href : undefined
  } catch {
    return undefined
  }
}

/** The address of a file that is shown or downloaded. */
export function safeFile(address: string): string | undefined {
  const href = safeLink(address)
  return href?.startsWith('http') ? href : undefined
}

/** The name at the end of an address. */
export function nameIn(address: string): string {
  try {
    return decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? '')
  } catch {
    return ''
  }
}

/** What a link needs to open beside the page, and to tell the other site nothing. */
export const elsewhere = { target: '_blank', rel: 'noopener noreferrer' } as const
