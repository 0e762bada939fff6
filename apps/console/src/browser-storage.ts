/** What this browser keeps between visits. A browser that keeps nothing is fine. */
export const kept = {
  get(name: string): string | undefined {
    try {
      return localStorage.getItem(`plugboard.${name}`) ?? undefined
    } catch {
      return undefined
    }
  },
  set(name: string, value: string | undefined): void {
    try {
      if (value === undefined) localStorage.removeItem(`plugboard.${name}`)
      else localStorage.setItem(`plugboard.${name}`, value)
    } catch {
      // Forbidden or full: the next visit begins with the defaults.
    }
  },
}
