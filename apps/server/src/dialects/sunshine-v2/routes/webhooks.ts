import type { Id } from '@plugboard/core'
import type { OpenWebhook } from '@plugboard/hub'
import { z } from 'zod'
import { refuseKey } from '../../idempotent.js'
import * as schemas from '../app-schemas.js'
import { notFound } from '../errors.js'
import { ownIntegrationId } from '../find-integration.js'
import { withinLimit } from '../keys.js'
import { known } from '../map.js'
import { changed } from '../merge.js'
import { defineRoute, type RouteInput, type Scope } from '../route.js'
import { empty } from '../schemas.js'
import { FORMAT_NAME } from '../webhook-format.js'

/** Webhooks that an app may have, over all its integrations. */
export const MAX_WEBHOOKS = 10

const one = z.object({ webhook: schemas.webhook })

/** Webhooks of custom integrations. */
export function webhookRoutes(scope: Scope): void {
  const { hub } = scope
  const url = '/apps/:appId/integrations/:integrationId/webhooks'
  const common = { tag: 'webhooks', access: 'integration' } as const

  /** The integration's own webhooks and no others. @throws integration_not_found */
  async function within({ client, params, caller }: Input) {
    const ownerId = ownIntegrationId(params.integrationId, caller)
    await hub.integrations.get(client, ownerId)
    return { format: FORMAT_NAME, ownerId }
  }

  /** @throws not_found */
  async function find(input: Input): Promise<{ scope: { format: string; ownerId: Id }; hook: OpenWebhook }> {
    const scope = await within(input)
    const hook = hub.webhooks.list(input.client, scope).find(({ id }) => id === input.params.webhookId)
    if (!hook) throw notFound()
    return { scope, hook }
  }

  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Create a webhook of a custom integration',
    operationId: 'CreateWebhook',
    body: schemas.createWebhook,
    status: 201,
    response: one,
    missing: 'integration',
    handle: async (input) => {
      refuseKey(input)
      const { client, body } = input
      const webhook = { ...(await within(input)), ...wanted(body), path: ['target'] }
      const made = hub.integrations.createWebhook(client, webhook, { max: MAX_WEBHOOKS })
      return { webhook: webhookJson(await withinLimit(made)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the webhooks of an integration',
    operationId: 'ListWebhooks',
    response: z.object({ webhooks: z.array(schemas.webhook) }),
    missing: 'integration',
    handle: async (input) => ({
      webhooks: hub.webhooks.list(input.client, await within(input)).map(webhookJson),
    }),
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:webhookId`,
    summary: 'Get a webhook',
    operationId: 'GetWebhook',
    response: one,
    missing: 'integration',
    handle: async (input) => ({ webhook: webhookJson((await find(input)).hook) }),
  })
  defineRoute(scope, {
    ...common,
    method: 'PATCH',
    url: `${url}/:webhookId`,
    summary: 'Update a webhook; its secret stays unchanged',
    operationId: 'UpdateWebhook',
    body: schemas.updateWebhook,
    response: one,
    missing: 'integration',
    handle: async (input) => {
      const { scope, hook } = await find(input)
      const { target: url, triggers: events, ...settings } = input.body
      const change = {
        ...known({ url, events }),
        settings: changed({ ...hook.settings }, known(settings)),
      }
      const made = hub.webhooks.change(input.client, scope, hook.id, change, ['target'])
      return { webhook: webhookJson(await made) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:webhookId`,
    summary: 'Delete a webhook; its pending deliveries can be replayed to another',
    operationId: 'DeleteWebhook',
    response: empty,
    missing: 'integration',
    handle: async (input) => {
      const { scope, hook } = await find(input)
      await hub.webhooks.delete(input.client, scope, hook.id)
      return {}
    },
  })
}

type Input = Pick<RouteInput<unknown, unknown>, 'client' | 'params' | 'caller'>

/** Converts a body to domain data. */
export const wanted = ({
  target: url,
  triggers,
  includeFullUser = false,
  includeFullSource = false,
}: z.infer<typeof schemas.createWebhook>) => ({
  url,
  events: [...new Set(triggers)],
  settings: { includeFullUser, includeFullSource },
})

export const webhookJson = ({ id, url, events = [], settings = {}, token }: OpenWebhook) => ({
  id,
  version: 'v2' as const,
  target: url,
  triggers: events,
  secret: token,
  includeFullUser: settings.includeFullUser === true,
  includeFullSource: settings.includeFullSource === true,
})
