import type { IntegrationMode } from '@plugboard/core'

/** Meta has no call for the webhook of such an app: a person enters it in the App Dashboard, once per app. */
export const setup = (webhookUrl: string, _mode?: IntegrationMode, sharedUrl?: string): string =>
  `On https://developers.facebook.com/apps, in your app: Instagram > API setup with Instagram login.
1. "Instagram app secret" is appSecret.
2. Generate access tokens: add the account, with the permissions instagram_business_basic and \
instagram_business_manage_messages. The id below its name is accountId, the token is accessToken.
3. Configure webhooks: Callback URL ${webhookUrl}, Verify token as in verifyToken; subscribe to messages, \
messaging_postbacks, messaging_seen, message_reactions, messaging_referral. An app has one URL${
    sharedUrl === undefined
      ? '.'
      : `: accounts without appSecret use the app of the operator, who enters ${sharedUrl} instead.`
  }
4. Publish the app, so that it gets messages of everybody.`
