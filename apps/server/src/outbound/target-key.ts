import type { WebhookTarget } from './sender-port.js'

/** What has a limit and connections of its own. A URL contains no space. */
export function targetKey(target: WebhookTarget): string {
  return `${target.url} ${target.id}`
}
