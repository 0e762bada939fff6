/** Where in the program an error came from. */
const MAX_FRAMES = 3

/**
 * What may be shown of an error that met what a person wrote: its name and where it was thrown. Its message may repeat
 * the person's words, or a credential.
 */
export function errorShape(error: unknown): { error: string; at?: string[] } {
  if (!(error instanceof Error)) return { error: typeof error }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line))
  return { error: nameOf(error), at: frames.slice(0, MAX_FRAMES).map((line) => line.trim()) }
}

const nameOf = ({ name }: Error): string => (/^\w{1,50}$/.test(name) ? name : 'Error')
