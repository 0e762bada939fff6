import { isIPv4 } from 'node:net'

/** Where a server listens, and its public URL. */
export interface Reach {
  /** The address that the server listens on. */
  host: string
  externalUrl?: string | undefined
}

/**
 * Whether a server is local-only: it listens on loopback and has no other public URL. Only then are loopback targets
 * allowed, and can a client be created without the admin key.
 */
export function isLocalOnly({ host, externalUrl }: Reach): boolean {
  return isLoopback(host) && (externalUrl === undefined || isLoopback(new URL(externalUrl).hostname))
}

/** Whether a host name or address is literally this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}
