import { readFile } from 'node:fs/promises'
import { serverDescription } from '../http/api-document/description.js'
import type { ApiDescription, OperationExamples } from '../http/api-document/openapi.js'
import type { InternalPasswordSettings } from './internal-password.js'
import * as messaging from './messaging-v1/description.js'
import { events } from './messaging-v1/schemas.js'
import * as smartify from './smartify/description.js'
import * as sunshine from './sunshine-v2/description.js'

/** Bodies of all APIs, as a test records them. */
const EXAMPLES = new URL('../../openapi-examples.json', import.meta.url)

const loadExamples = async (): Promise<Record<string, OperationExamples>> =>
  JSON.parse(await readFile(EXAMPLES, 'utf8')) as Record<string, OperationExamples>

/** The APIs of the dialects. */
const dialects: readonly ApiDescription[] = [
  {
    name: 'messaging',
    title: 'Messaging API',
    description:
      'The Messaging API (`/api/v1`) is for bots: `POST /api/v1/sync` creates a client, whose id and token go into the headers of all other calls.',
    ...messaging.parts,
    webhooks: Object.fromEntries(
      Object.entries(events).map(([type, data]) => [type, messaging.webhookOf(type, data)]),
    ),
    loadExamples,
  },
  {
    name: 'sunshine',
    title: 'Sunshine API',
    description:
      'The Sunshine Conversations API (`/v2`, also `/sc/v2`) is for programs that were written for the hosted service. The command `keys create` creates a key.',
    ...sunshine.parts,
    loadExamples,
  },
  {
    name: 'smartify',
    title: 'Smartify API',
    description:
      'The external-channel API of Smartify (`/api`) is for its bridges and for widgets. The command `owners create` creates a person who may sign in.',
    ...smartify.parts,
    loadExamples,
  },
]

/** For the API document: the header of servers with `INTERNAL_PASSWORD`. */
const internalPassword = {
  type: 'apiKey',
  in: 'header',
  name: 'password',
  description: 'The setting `INTERNAL_PASSWORD` of this server',
}

/** All APIs of a server with these settings, for the API document. `others`: those that are no dialect. */
export function describeApis(
  settings: InternalPasswordSettings,
  others: readonly ApiDescription[] = [],
): readonly ApiDescription[] {
  if (settings.internalPassword === undefined) return [...dialects, ...others, serverDescription]
  const all = dialects.map((api) => ({
    ...api,
    securitySchemes: { ...api.securitySchemes, internalPassword },
    everywhere: 'internalPassword',
  }))
  return [...all, ...others, serverDescription]
}
