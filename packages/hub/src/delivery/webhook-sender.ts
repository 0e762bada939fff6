import type { Transport } from './transport.js'

/** Where the requests of a webhook go, and the headers that each carries. */
export interface WebhookAddress {
  id: string
  url: string
  headers: Readonly<Record<string, string>>
  /** Standard Webhooks secret, base64; signs each request. */
  signingSecret?: string
  /** Timeout of one attempt in milliseconds. Default: that of the sender. */
  timeoutMs?: number
}

/** One request: `seq` orders it in its lane; `id` is its webhook-id, the same in every attempt. */
export interface WebhookItem {
  seq: number
  id: string
  /** JSON text. Empty: nothing is sent, and the item counts as delivered. */
  body: string
}

/** Makes the HTTP requests of webhooks. The host provides it, since the hub has no HTTP. */
export type WebhookSender = Transport<WebhookAddress, WebhookItem>
