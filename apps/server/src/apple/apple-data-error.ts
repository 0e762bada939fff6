/** Why Apple data is unavailable, as a message for the caller without addresses, keys and bytes. */
export class AppleDataError extends Error {
  override readonly name = 'AppleDataError'
}
