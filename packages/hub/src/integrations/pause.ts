import type { Id, Logger } from '@plugboard/core'
import type { Directory } from '../clients/directory.js'
import type { TargetConfig } from '../delivery/target-config.js'
import type { Health } from './health.js'

/** Pauses an integration whose credentials stopped working, until the next sync. */
export function pauseIntegration({
  directory,
  health,
  log,
}: {
  directory: Directory
  health: Health
  log: Logger
}) {
  return async (
    clientId: Id,
    config: Pick<TargetConfig, 'integration' | 'credentials'>,
    reason: string,
  ): Promise<void> => {
    const isRefused = ({ id }: { id: Id }): boolean => id === config.integration
    const known = directory.peek(clientId)?.record.integrations.find(isRefused)
    if (known?.status === 'paused') return
    let channel: string | undefined
    const client = await directory.change(clientId, (record) => {
      const integration = record.integrations.find(isRefused)
      // The rejected credentials may be older than a sync that fixed them.
      const isCurrent = integration?.status !== 'paused' && integration?.config === config.credentials
      channel = isCurrent ? integration?.channel : undefined
      if (!integration || !channel) return record
      const paused = { ...integration, status: 'paused' as const, reason }
      return {
        ...record,
        integrations: record.integrations.map((other) => (other === integration ? paused : other)),
      }
    })
    if (!channel || !config.integration) return
    log.error({ clientId, channel, reason }, 'integration paused')
    await health.record(client, { id: config.integration, channel }, 'pause', { data: { reason } })
  }
}
