/** Sent to a child process. */
export interface Question {
  id: number
  name: string
  argument: unknown
}

export interface Answer {
  id: number
  value: unknown
}

type Answers = Readonly<Record<string, (argument: never) => unknown>>

const known = new Map<string, Answers[string]>([['cpu', cpuMs]])

/** In a child process: answers its parent's questions, and ends the process when the parent is gone. */
export function answerQuestions(answers: Answers): void {
  const isFirst = known.size === 1
  for (const [name, answer] of Object.entries(answers)) known.set(name, answer)
  if (!isFirst) return
  process.on('message', async ({ id, name, argument }: Question) => {
    const value = await known.get(name)?.(argument as never)
    process.send?.({ id, value } satisfies Answer)
  })
  process.on('disconnect', () => process.exit())
  // Alone it is no reason to stay.
  process.channel?.unref()
}

/** Processor time of this process until now, of all its threads, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
