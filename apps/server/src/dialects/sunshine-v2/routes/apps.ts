import { isJsonObject, type JsonObject } from '@plugboard/core'
import type { ClientFacts, ClientRecord } from '@plugboard/hub'
import { z } from 'zod'
import * as schemas from '../app-schemas.js'
import { badRequest } from '../errors.js'
import { known, ownOf, withOwn } from '../map.js'
import { changed, mergedMetadata } from '../merge.js'
import { anyQuery, cut, linksOf, pageOf, rangeOf } from '../pages.js'
import { defineRoute, type Scope } from '../route.js'
import { empty, page as pageAnswer } from '../schemas.js'

const one = z.object({ app: schemas.app })

/** Apps: the clients of this server, whichever API made them. */
export function appRoutes(scope: Scope): void {
  const { hub, baseUrl } = scope
  const tag = 'apps'
  defineRoute(scope, {
    ...{ tag, access: 'account' },
    method: 'POST',
    url: '/apps',
    summary: 'Create an app',
    operationId: 'CreateApp',
    body: schemas.createApp,
    status: 201,
    response: one,
    handle: async ({ body }) => {
      const facts = factsOf({}, body)
      const { client } = await hub.clients.create({ facts })
      return { app: appJson(client.record, facts) }
    },
  })
  defineRoute(scope, {
    ...{ tag, access: 'account' },
    method: 'GET',
    url: '/apps',
    summary: 'List all apps',
    operationId: 'ListApps',
    query: anyQuery,
    response: z.object({ apps: z.array(schemas.app), ...pageAnswer }),
    handle: async ({ query, request }) => {
      const page = pageOf(query)
      const found = cut(await hub.clients.list(rangeOf(page)), page)
      const facts = await Promise.all(found.items.map(({ id }) => hub.clients.facts(id)))
      return {
        apps: found.items.map((record, i) => appJson(record, facts[i] ?? {})),
        ...linksOf(found, page, request, baseUrl(request)),
      }
    },
  })
  defineRoute(scope, {
    ...{ tag, access: 'app' },
    method: 'GET',
    url: '/apps/:appId',
    summary: 'Get an app',
    operationId: 'GetApp',
    response: one,
    handle: async ({ client }) => ({ app: appJson(client.record, await hub.clients.facts(client.id)) }),
  })
  defineRoute(scope, {
    ...{ tag, access: 'app' },
    method: 'PATCH',
    url: '/apps/:appId',
    summary: 'Update an app',
    operationId: 'UpdateApp',
    body: schemas.updateApp,
    response: one,
    missing: 'app',
    handle: async ({ client, body }) => {
      const facts = await hub.clients.changeFacts(client.id, (old) => {
        if (body.settings?.multiConvoEnabled === false && settingsOf(old).multiConvoEnabled)
          throw badRequest('settings.multiConvoEnabled cannot be disabled once it is enabled')
        return factsOf(old, body)
      })
      return { app: appJson(client.record, facts) }
    },
  })
  defineRoute(scope, {
    ...{ tag, access: 'account' },
    method: 'DELETE',
    url: '/apps/:appId',
    summary: 'Delete an app with all of its data',
    operationId: 'DeleteApp',
    response: empty,
    missing: 'app',
    handle: async ({ client }) => {
      await hub.clients.delete(client.id)
      return {}
    },
  })
}

/** Users may have any number of conversations; other settings have their defaults. */
const DEFAULT_SETTINGS = {
  maskCreditCardNumbers: false,
  useAnimalNames: false,
  echoPostback: false,
  ignoreAutoConversationStart: false,
  multiConvoEnabled: true,
  appLocalizationEnabled: false,
  endSessionEnabled: false,
  disableConversationReopen: false,
}

const ownSettingsOf = (facts: ClientFacts): JsonObject => {
  const { settings } = ownOf(facts)
  return isJsonObject(settings) ? settings : {}
}

const settingsOf = (facts: ClientFacts): JsonObject => ({ ...DEFAULT_SETTINGS, ...ownSettingsOf(facts) })

const appJson = (record: Pick<ClientRecord, 'id' | 'name'>, facts: ClientFacts): JsonObject => ({
  id: record.id,
  displayName: facts.displayName ?? record.name ?? record.id,
  settings: settingsOf(facts),
  metadata: facts.metadata ?? {},
})

function factsOf(
  old: ClientFacts,
  { displayName, settings, metadata }: z.infer<typeof schemas.updateApp>,
): ClientFacts {
  const own = changed(ownSettingsOf(old), known({ ...settings }))
  const facts = changed(old, {
    displayName,
    metadata: mergedMetadata('App', old.metadata, metadata),
  })
  return withOwn(facts, { settings: own })
}
