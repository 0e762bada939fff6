import type { JSX } from 'preact'
import { Icon } from '../../ui/icon.js'

const STEPS = ['Create a client', 'Enable a channel', 'Send a message']

/** Which steps are done. */
export const Steps = ({ current }: { current: number }): JSX.Element => (
  <ol class="steps">
    {STEPS.map((label, n) => (
      <li
        key={label}
        {...(n === current && { 'aria-current': 'step' as const })}
        class={n < current ? 'done' : ''}
      >
        <span class="step-mark">{n < current ? <Icon name="check" /> : n + 1}</span>
        {label}
        {n < current && <span class="visually-hidden">: done</span>}
      </li>
    ))}
  </ol>
)
