import type { IntegrationMode } from '@plugboard/core'

/** Only a person can do this: it belongs to the app, and the configuration is of a number. */
export const setup = (webhookUrl: string, _mode: IntegrationMode, sharedUrl?: string): string =>
  [
    'On https://developers.facebook.com/apps, in your app:',
    `1. WhatsApp > Configuration: enter the Callback URL ${webhookUrl} and your verifyToken as the Verify token, then Verify and save. (The integration sets this address for its number as well, so that further numbers of the app need no step here.)`,
    '2. On the same page, subscribe to the webhook field "messages".',
    '3. With businessAccountId in the configuration, the app is subscribed to the account. Without it: POST /{WhatsApp Business Account ID}/subscribed_apps.',
    ...(sharedUrl === undefined
      ? []
      : [`Numbers without appSecret use the app of the operator, with the Callback URL ${sharedUrl}.`]),
  ].join('\n')
