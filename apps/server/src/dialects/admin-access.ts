import { createHash, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { FastifyRequest } from 'fastify'

/** What the rules of admin access depend on. */
export interface AdminSettings {
  adminKey?: string | undefined
  /** The address that the server listens on. */
  host: string
  externalUrl?: string | undefined
}

/** Headers that a proxy or a browser page adds: with one of them a request is not from this machine's own programs. */
const FOREIGN_HEADER = /^(origin|forwarded|via|x-real-ip|x-forwarded-.*)$/

/**
 * Says who may use admin routes, and sync without credentials. Without an `ADMIN_KEY` only this machine may: the server
 * listens on loopback, is published nowhere else, and the request names loopback and came through nothing.
 */
export class AdminAccess {
  readonly #key: string | undefined
  readonly #isLocal: boolean

  constructor({ adminKey, host, externalUrl }: AdminSettings) {
    this.#key = adminKey
    this.#isLocal =
      isLoopback(host) && (externalUrl === undefined || isLoopback(new URL(externalUrl).hostname))
  }

  /** Admin routes. */
  mayAdminister(request: FastifyRequest, key: unknown): boolean {
    return this.#key === undefined ? this.#isFromHere(request) : isSame(key, this.#key)
  }

  /** Making a client by a sync without credentials. */
  mayCreateClient(request: FastifyRequest, key: unknown): boolean {
    return this.#isFromHere(request) || (this.#key !== undefined && isSame(key, this.#key))
  }

  #isFromHere({ headers }: FastifyRequest): boolean {
    if (!this.#isLocal || Object.keys(headers).some((name) => FOREIGN_HEADER.test(name))) return false
    return isLoopback((headers.host ?? '').replace(/:\d+$/, ''))
  }
}

/** Whether a host name or address is literally this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'))
}

/** Compares a given value with a secret in constant time. */
export function isSame(given: unknown, key: string): boolean {
  if (typeof given !== 'string') return false
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(key))
}
