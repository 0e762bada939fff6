import { invalid } from '@plugboard/core'
import { readConfig } from '../../config/read-config.js'
import { copy as copyDatabase } from '../../storage/copy/copy.js'
import { rotateKey as changeKey } from '../../storage/rotate-key.js'
import { progressOn } from '../progress-bar.js'

export async function rotateKey(): Promise<void> {
  const { clients, next } = await changeKey(readConfig(), async (store, act) => {
    const { recordedIn } = await import('../store-or-server.js')
    return recordedIn(store, 'key.rotate', act)
  })
  console.log(`Encrypted the secrets of ${clients} clients with the new key.\n${next}`)
}

export async function copy({
  from,
  to,
}: {
  from?: string | undefined
  to?: string | undefined
}): Promise<void> {
  const missing = Object.entries({ from, to }).filter(([, value]) => value === undefined)
  if (from === undefined || to === undefined)
    throw invalid(...missing.map(([option]) => ({ path: [`--${option}`], message: 'is missing' })))
  const progress = progressOn(process.stderr)
  const copied = await copyDatabase(readConfig(), { from, to, onProgress: progress.show }).finally(
    progress.end,
  )
  const all = { ...copied.counts, attachment: copied.attachments }
  const counts = Object.entries(all).map(([kind, count]) => `  ${kind.padEnd(14)}${count}`)
  console.log(`Copied ${copied.from} to ${copied.to}. Both hold:\n${counts.join('\n')}\n${copied.next}`)
}
