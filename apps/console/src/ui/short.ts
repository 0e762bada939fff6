const LONG = 14

/** The start and the end of an id: these are compared. */
export const short = (id: string): string => (id.length > LONG ? `${id.slice(0, 6)}…${id.slice(-5)}` : id)
