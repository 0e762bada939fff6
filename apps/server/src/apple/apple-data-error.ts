/** Why data of Apple cannot be had, in words for the caller: without addresses, keys and bytes. */
export class AppleDataError extends Error {
  override readonly name = 'AppleDataError'
}
