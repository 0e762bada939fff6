/** Maximum number of stack frames. */
const MAX_FRAMES = 3

/**
 * The loggable part of an error that handled a person's message: its name and stack frames. Its message may quote the
 * person's text, or a credential.
 */
export function errorShape(error: unknown): { error: string; at?: string[] } {
  if (!(error instanceof Error)) return { error: typeof error }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ {4}at /.test(line))
  return { error: nameOf(error), at: frames.slice(0, MAX_FRAMES).map((line) => line.trim()) }
}

const nameOf = ({ name }: Error): string => (/^\w{1,50}$/.test(name) ? name : 'Error')
