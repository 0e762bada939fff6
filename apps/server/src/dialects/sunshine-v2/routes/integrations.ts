import type { JsonObject } from '@plugboard/core'
import type { ClientView, IntegrationFacts, IntegrationKinds, IntegrationView } from '@plugboard/hub'
import { z } from 'zod'
import { refuseKey } from '../../idempotent.js'
import * as schemas from '../app-schemas.js'
import { badRequest } from '../errors.js'
import { integrationIdOf } from '../find-integration.js'
import { assertType, CUSTOM, inFieldsOf, integrationJson, wantedOf } from '../integration-types.js'
import { withinLimit } from '../keys.js'
import { withOwn } from '../map.js'
import { changed } from '../merge.js'
import { anyQuery, cut, filterOf, linksOf, pageOf, rangeOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import { empty, page as pageAnswer } from '../schemas.js'
import { parseInput } from '../validate.js'
import { FORMAT_NAME } from '../webhook-format.js'
import { MAX_WEBHOOKS, wanted, webhookJson } from './webhooks.js'

const one = z.object({ integration: schemas.integration })

/** Integrations: channels that are enabled, and programs with keys and webhooks. */
export function integrationRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const url = '/apps/:appId/integrations'
  const common = { tag: 'integrations', access: 'app' } as const

  /** With its webhooks, if its type has webhooks. */
  const json = (client: ClientView, integration: IntegrationView): JsonObject => {
    const fields = integrationJson(hub, integration)
    if (integration.channel) return fields
    const webhooks = hub.webhooks.list(client, { format: FORMAT_NAME, ownerId: integration.id })
    return { ...fields, webhooks: webhooks.map(webhookJson) }
  }

  async function createCustom(
    client: ClientView,
    facts: IntegrationFacts,
    body: unknown,
  ): Promise<JsonObject> {
    const [first] = parseInput(schemas.customWebhooks, body).webhooks
    if (!first) throw badRequest('a custom integration should have exactly 1 webhook')
    const integration = await hub.integrations.createCustom(client, facts)
    const of = { format: FORMAT_NAME, ownerId: integration.id, path: ['webhooks', 0, 'target'] }
    try {
      const made = hub.integrations.createWebhook(client, { ...of, ...wanted(first) }, { max: MAX_WEBHOOKS })
      return { ...integrationJson(hub, integration), webhooks: [webhookJson(await withinLimit(made))] }
    } catch (error) {
      await hub.integrations.delete(client, integration.id)
      throw error
    }
  }

  defineRoute(scope, {
    ...common,
    method: 'POST',
    url,
    summary: 'Create an integration: enable a channel, or create a custom one',
    operationId: 'CreateIntegration',
    body: schemas.createIntegration,
    status: 201,
    response: one,
    handle: async (input) => {
      refuseKey(input)
      const { client, body } = input
      const { type, displayName, mode } = body
      const facts = changed<IntegrationFacts>({}, { displayName })
      if (type === CUSTOM) return { integration: await createCustom(client, facts, body) }
      assertType(hub, type)
      const { config = {}, own } = wantedOf(type, body)
      const enabling = hub.integrations.enable(client, type, { config, mode, facts: withOwn(facts, own) })
      return { integration: integrationJson(hub, await inFieldsOf(type, enabling)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url,
    summary: 'List the integrations of an app',
    operationId: 'ListIntegrations',
    query: anyQuery,
    response: z.object({ integrations: z.array(schemas.integration), ...pageAnswer }),
    handle: async ({ client, query, request }) => {
      const page = pageOf(query)
      const kinds = kindsOf(filterOf(query, 'types'))
      const found = cut(await hub.integrations.list(client, rangeOf(page), kinds), page)
      return {
        integrations: found.items.map((integration) => json(client, integration)),
        ...linksOf(found, page, request, baseUrl(request)),
      }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'GET',
    url: `${url}/:integrationId`,
    summary: 'Get an integration',
    operationId: 'GetIntegration',
    response: one,
    missing: 'integration',
    handle: async ({ client, params }) => {
      const integration = await hub.integrations.get(client, integrationIdOf(params.integrationId))
      return { integration: json(client, integration) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'PATCH',
    url: `${url}/:integrationId`,
    summary: 'Update an integration',
    operationId: 'UpdateIntegration',
    body: schemas.updateIntegration,
    response: one,
    missing: 'integration',
    handle: async ({ client, params, body }) => {
      const id = integrationIdOf(params.integrationId)
      const { channel } = await hub.integrations.get(client, id)
      const { displayName, mode } = body
      const type = channel?.channel ?? CUSTOM
      const { config, own } = channel ? wantedOf(type, body, channel.config) : { own: {} }
      const changing = hub.integrations.change(client, id, {
        ...(config && { config }),
        mode,
        facts: (facts) => withOwn(changed(facts, { displayName }), own),
      })
      return { integration: json(client, await inFieldsOf(type, changing)) }
    },
  })
  defineRoute(scope, {
    ...common,
    method: 'DELETE',
    url: `${url}/:integrationId`,
    summary: 'Delete an integration with its webhooks and keys; pending deliveries can be replayed',
    operationId: 'DeleteIntegration',
    response: empty,
    missing: 'integration',
    handle: async ({ client, params }) => {
      await hub.integrations.delete(client, integrationIdOf(params.integrationId))
      return {}
    },
  })
}

/** Types by their names, with commas between them; without any, all of them. */
function kindsOf(types: string | undefined): IntegrationKinds {
  if (types === undefined || types === '') return {}
  const names = types.split(',').map((name) => name.trim())
  return { channels: names, custom: names.includes(CUSTOM) }
}
