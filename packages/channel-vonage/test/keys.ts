import { generateKeyPairSync } from 'node:crypto'

/** A new application with its keys. */
export function application(applicationId: string) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { applicationId, privateKey, publicKey }
}
