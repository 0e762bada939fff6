import type { Id, Logger } from '@plugboard/core'
import type { Directory } from '../clients/directory.js'
import { namesOf } from '../clients/open-integration.js'
import type { TargetConfig } from '../delivery/targets/target-config.js'
import type { IntegrationRecord } from '../ports/client-record.js'
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
    let refused: IntegrationRecord | undefined
    const client = await directory.change(clientId, (record) => {
      const integration = record.integrations.find(isRefused)
      // The rejected credentials may be older than a sync that fixed them.
      const isCurrent = integration?.status !== 'paused' && integration?.config === config.credentials
      refused = isCurrent ? integration : undefined
      if (!integration || !refused) return record
      const paused = { ...integration, status: 'paused' as const, reason }
      return {
        ...record,
        integrations: record.integrations.map((other) => (other === integration ? paused : other)),
      }
    })
    if (!refused) return
    const { id, channel } = refused
    const { name } = namesOf(refused)
    log.error({ clientId, channel, integration: name, reason }, 'integration paused')
    await health.record(client, { id, name, channel }, 'pause', { data: { reason } })
  }
}
