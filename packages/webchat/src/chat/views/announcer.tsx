import { useEffect, useRef, useState } from 'preact/hooks'
import { summaryOf } from '../content.js'
import { isMine } from '../message.js'
import { activeOf, type State } from '../state.js'
import { fill } from '../words.js'
import { nameOf } from './bubble.js'
import { useView } from './view.js'

/** A message that grows is read out once it has not changed for so long, in milliseconds. */
const SETTLED_MS = 1_000

/** Reads new messages of the business out to those who use a screen reader. */
export function Announcer({ state }: { state: State }) {
  const view = useView()
  const [spoken, setSpoken] = useState('')
  const known = useRef<number | undefined>(undefined)
  const { messages } = activeOf(state) ?? {}
  const last = messages?.at(-1)
  useEffect(() => {
    // What was there before is not news.
    known.current ??= messages ? (last?.position ?? 0) : undefined
    if (!last || isMine(last) || last.position <= (known.current ?? last.position)) return
    const timer = setTimeout(() => {
      known.current = last.position
      const words = summaryOf(last.payload) ?? view.words.file
      setSpoken(`${fill(view.words.said, { name: nameOf(last, view) })} ${words}`)
    }, SETTLED_MS)
    return () => clearTimeout(timer)
  }, [messages, last])
  return (
    <div class="hidden" role="status" aria-live="polite">
      {spoken}
    </div>
  )
}
