import type { Transport } from './transport.js'

/** Where the requests of a webhook go, and what each carries. */
export interface WebhookAddress {
  id: string
  url: string
  headers: Readonly<Record<string, string>>
  /** Standard Webhooks secret, base64; signs each request. */
  signingSecret?: string
  /** How long one attempt may take, in milliseconds. Default: what the sender allows. */
  timeoutMs?: number
}

/** One request: `seq` orders it in its lane; `id` is its webhook-id, the same at each attempt. */
export interface WebhookItem {
  seq: number
  id: string
  /** JSON text. Empty: there is nothing to tell, and it counts as delivered. */
  body: string
}

/** Makes the HTTP requests of webhooks. The host provides it, since the hub knows no HTTP. */
export type WebhookSender = Transport<WebhookAddress, WebhookItem>
