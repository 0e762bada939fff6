import type { JSX } from 'preact'
import { Icon, type IconName } from './icon.js'

export type Tone = 'ok' | 'warn' | 'bad' | 'none'

/** The state of something: a word, a shape and a colour, so that none is needed alone. */
export function State({
  tone,
  icon,
  children,
}: {
  tone: Tone
  icon?: IconName
  children: string
}): JSX.Element {
  return (
    <span class={`state ${tone}`}>
      <Icon name={icon ?? ICONS[tone]} />
      {children}
    </span>
  )
}

const ICONS: Readonly<Record<Tone, IconName>> = { ok: 'check', warn: 'warning', bad: 'cross', none: 'minus' }

const DELIVERIES: Readonly<Record<string, readonly [Tone, IconName, string]>> = {
  delivered: ['ok', 'check', 'Delivered'],
  pending: ['none', 'wait', 'Waiting'],
  retrying: ['warn', 'retry', 'Retrying'],
  dead: ['bad', 'cross', 'Given up'],
  failed: ['bad', 'cross', 'Failed'],
  cancelled: ['none', 'stop', 'Discarded'],
  unsupported: ['none', 'minus', 'Not supported'],
}

/** The state of a delivery. */
export function DeliveryState({ state }: { state: string }): JSX.Element {
  const [tone, icon, word] = DELIVERIES[state] ?? ['none', 'minus', state]
  return (
    <State tone={tone} icon={icon}>
      {word}
    </State>
  )
}
