import type { JsonObject } from '@plugboard/core'
import { jose } from '../jose.js'
import { AppleDataError } from './apple-data-error.js'
import { readJson } from './decode.js'
import { type DownloadOptions, download } from './download.js'

/** What a business and its messaging service provider are known by. */
export interface AppleCredentials {
  businessId: string
  mspId: string
  /** Base64. */
  apiSecret: string
}

/** Where data lie with Apple, and what proves that the business may read them. */
export interface SignedPlace {
  url: string
  signature: string
  owner: string
}

/** Apple's gateway for messaging service providers. */
export const GATEWAY = 'https://mspgw.push.apple.com/v1'

const WHAT = "Apple's gateway"

/**
 * Where the data of a reference can be downloaded for a short time.
 * https://register.apple.com/resources/messages/msp-rest-api/ (`/preDownload`) @throws AppleDataError
 */
export async function preDownload(
  { url, signature, owner }: SignedPlace,
  credentials: AppleCredentials,
  gateway: string,
  options: DownloadOptions,
): Promise<string> {
  // A signature comes in hex, and the gateway wants base64.
  const isHex = /^([0-9a-f]{2})+$/i.test(signature)
  const headers = {
    ...(await headersOf(credentials)),
    ...{ url, owner, signature: isHex ? Buffer.from(signature, 'hex').toString('base64') : signature },
  }
  const answer = readJson(await download(WHAT, `${gateway}/preDownload`, { headers }, options))
  const found = answer?.['download-url']
  if (typeof found !== 'string') throw new AppleDataError(`${WHAT} did not say where the data are`)
  return found
}

/** Lets Apple decode the payload of an iMessage extension (`/decodePayload`). @throws AppleDataError */
export async function decodePayload(
  payload: Buffer,
  bid: string,
  credentials: AppleCredentials,
  gateway: string,
  options: DownloadOptions,
): Promise<JsonObject> {
  const headers = { ...(await headersOf(credentials)), bid, 'content-type': 'application/octet-stream' }
  const init = { method: 'POST', headers, body: new Uint8Array(payload) }
  const answer = readJson(await download(WHAT, `${gateway}/decodePayload`, init, options))
  if (!answer) throw new AppleDataError(`${WHAT} did not decode the data`)
  return answer
}

async function headersOf({ businessId, mspId, apiSecret }: AppleCredentials) {
  const secret = Buffer.from(apiSecret, 'base64')
  if (secret.byteLength === 0) throw new AppleDataError('the secret of the Apple integration is not base64')
  const { SignJWT } = await jose()
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(mspId)
    .setIssuedAt()
    .sign(secret)
  return { authorization: `Bearer ${token}`, 'source-id': businessId, accept: 'application/json' }
}
