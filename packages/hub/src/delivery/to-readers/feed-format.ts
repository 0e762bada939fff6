import { FEED_FORMAT } from '../../clients/feed.js'
import type { WebhookFormat } from '../to-webhooks/webhook-format.js'

/** Of what is stored for readers: storing is repeated until it succeeds, so no schedule ends. A hundred years. */
export const UNENDING = { delaysMs: [100 * 365 * 24 * 60 * 60 * 1000] }

/** Which events are in the feed of a client: all that are stored. Typing is never stored because of a feed. */
export const feedFormat: WebhookFormat = {
  name: FEED_FORMAT,
  schedule: UNENDING,
  tells: (topic) => topic !== 'activity.typing',
  // Readers of the feed read the entries.
  render: () => undefined,
  headers: () => ({}),
}
