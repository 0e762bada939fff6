/** The address of a pull webhook in the record of its client, which identifies it as a URL identifies any other. */
export const pullUrl = (name: string): string => `pull:${name}`
