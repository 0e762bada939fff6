let count = 0

/** Unique, and in the order of writing. */
export function nextClientId(): string {
  count += 1
  const random = crypto.getRandomValues(new Uint32Array(4))
  return [
    Date.now().toString(36),
    count.toString(36).padStart(4, '0'),
    ...[...random].map((part) => part.toString(36)),
  ].join('-')
}
