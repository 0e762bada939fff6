const LONG = 14
/** Every id of the server ends so when it is written as a UUID. */
const PADDING = /0{6}$/

/** The start and the end of an id: these are compared. They differ between any two objects. */
export function short(id: string): string {
  if (id.length <= LONG) return id
  const own = UUID.test(id) ? id.replace(PADDING, '') : id
  return `${own.slice(0, 8)}…${own.slice(-6)}`
}

/** An id is shortened, and any other text stays whole. */
export const withShortId = (text: string): string => (UUID.test(text) ? short(text) : text)

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
