import type { DeliveryContext, Part } from '@plugboard/core'
import { canChange } from '../../channels/can-change.js'
import type { Connected } from '../../channels/channels.js'
import { HostError } from './host-error.js'
import type { SentRecord } from './sent-record.js'

/**
 * Makes what the endpoint shows equal to these parts: changes what differs, sends what is missing, removes what is too
 * much. Of a message that was not sent completely, only parts that are shown change.
 * @throws HostError for parts without an id, once all others are changed
 */
export async function changeShown(
  { runtime, integration: { config } }: Connected,
  record: SentRecord,
  parts: readonly Part[],
  call: <T>(
    i: number,
    work: (context: DeliveryContext<unknown, unknown>) => Promise<T>,
  ) => Promise<T | 'withdrawn'>,
  signal: AbortSignal,
): Promise<'withdrawn' | undefined> {
  const canEdit = canChange(runtime, 'edit', config)
  const canRemove = canChange(runtime, 'remove', config)
  let isUnnamed = false
  for (const [i, part] of parts.entries()) {
    const { ids } = record.parts[i] ?? {}
    if (!ids && !record.isWhole) break
    if (record.isCurrent(i, part)) continue
    if (ids && !canEdit) continue
    if (ids?.length === 0) {
      isUnnamed = true
      continue
    }
    const sent = await call(i, async (context) =>
      ids ? await runtime.edit?.({ providerMessageIds: ids }, part, context) : runtime.deliver(part, context),
    )
    if (sent === 'withdrawn') return sent
    const isSame = ids && !sent?.providerMessageIds?.length
    await record.put(i, [part], isSame ? [{ providerMessageIds: [...ids] }] : sent ? [sent] : [], signal)
  }
  for (let i = record.parts.length - 1; i >= parts.length && canRemove; i -= 1) {
    const { ids = [] } = record.parts[i] ?? {}
    if (ids.length === 0) {
      isUnnamed = true
      continue
    }
    const removed = await call(i, async (context) => runtime.remove?.({ providerMessageIds: ids }, context))
    if (removed === 'withdrawn') return removed
    // What is left stays in the record.
    if (!isUnnamed) await record.cut(i, signal)
  }
  if (isUnnamed) throw new HostError({ kind: 'invalid', message: UNNAMED })
  return undefined
}

const UNNAMED = 'the provider gave no id for a part of the message, so that it stays as it is'
