/** The address of the integration's webhook: the server, the client and the name of the integration. */
const WEBHOOK = /^(.*)\/webhooks\/v1\/([^/]+)\/([^/]+)$/

/** The line of HTML that shows the chat. */
export function setup(webhookUrl: string): string {
  const [, server = '', client = '', name = 'web'] = WEBHOOK.exec(webhookUrl) ?? []
  const site = name === 'web' ? client : `${client}~${name}`
  return `Add this line to each page that shows the chat: <script src="${server}/web/v1/${site}.js" defer></script>`
}
