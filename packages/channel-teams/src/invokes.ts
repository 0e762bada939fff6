import type { InboundResponse } from '@plugboard/core'
import { z } from 'zod'
import type { Activity } from './activity.js'
import { type Choice, choiceIn } from './choice.js'

/** Shown by Teams for a moment, where an answer needs words. */
const WORDS = '✓'

const json = (value: object, status = 200): InboundResponse => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
})

/**
 * The answer to an invoke, for which the app of the person waits some seconds. What the bot says follows as a message, so
 * the answer changes nothing: the card stays, a dialog closes, a search finds nothing.
 */
export function invokeResponse(name = ''): InboundResponse {
  switch (name) {
    case 'adaptiveCard/action':
      // https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
      return json({ statusCode: 200, type: 'application/vnd.microsoft.activity.message', value: WORDS })
    case 'application/search':
      return json({
        statusCode: 200,
        type: 'application/vnd.microsoft.search.searchResponse',
        value: { results: [] },
      })
    case 'task/fetch':
      // https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots
      return json({ task: { type: 'message', value: WORDS } })
    case 'signin/tokenExchange':
      // The app asks the person to sign in by other means.
      return json({ failureDetail: 'the bot does not exchange tokens' }, 412)
    case 'task/submit':
    case 'fileConsent/invoke':
    case 'signin/verifyState':
    case 'actionableMessage/executeAction':
      return { status: 200 }
    default:
      return name.startsWith('composeExtension/')
        ? json({ composeExtension: { type: 'result', attachmentLayout: 'list', attachments: [] } })
        : json({})
  }
}

/** Asked by the app and not by the person, or typed into a search. */
const SILENT = new Set([
  'application/search',
  'composeExtension/anonymousQueryLink',
  'composeExtension/fetchTask',
  'composeExtension/query',
  'composeExtension/queryLink',
  'composeExtension/querySettingUrl',
  'composeExtension/selectItem',
  'config/fetch',
  'signin/failure',
  'signin/tokenExchange',
  'signin/verifyState',
  'tab/fetch',
])

const executeSchema = z.object({
  trigger: z.string().optional().catch(undefined),
  action: z.object({ verb: z.string().optional().catch(undefined), data: z.unknown().optional() }),
})
const dataSchema = z.object({ data: z.unknown().optional() })
const consentSchema = z.object({ action: z.string(), context: z.unknown().optional() })

/** What a person chose by an invoke. Undefined if the app asked by itself. */
export function invokeChoice({ name = '', value, text }: Activity): Choice | undefined {
  if (SILENT.has(name)) return undefined
  switch (name) {
    case 'adaptiveCard/action': {
      const { data: execute } = executeSchema.safeParse(value)
      if (!execute) return choiceIn(value)
      const { trigger, action } = execute
      // A card that renews itself for who looks at it.
      if (trigger === 'automatic') return undefined
      return choiceIn(isEmpty(action.data) ? action.verb : action.data) ?? choiceIn(value)
    }
    case 'task/fetch':
    case 'task/submit':
    case 'composeExtension/submitAction':
      return choiceIn(dataSchema.safeParse(value).data?.data) ?? choiceIn(value)
    case 'fileConsent/invoke': {
      // Only another program asks for a consent; its answer to the bot is in the context.
      const { data: consent } = consentSchema.safeParse(value)
      return choiceIn(value, consent?.action)
    }
    default:
      return choiceIn(value ?? name, text)
  }
}

const isEmpty = (data: unknown): boolean =>
  data === undefined || data === null || (typeof data === 'object' && Object.keys(data).length === 0)
