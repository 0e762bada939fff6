/** Instructions for a person, because the secret of the webhook is chosen there. */
export function setup(webhookUrl: string): string {
  return [
    'In the Admin Center of Zendesk: Apps and integrations > Conversations API and Conversations integrations. (In the dashboard of Smooch: Settings > API keys, and Integrations > Webhooks.)',
    '1. Create an API key. Its app id, key id and secret are appId, keyId and keySecret.',
    `2. Create an integration with the webhook ${webhookUrl}, version v2.`,
    '3. Choose the triggers conversation:message, conversation:postback, conversation:read, conversation:create, conversation:referral, conversation:message:delivery (channel, user and failure), user:merge and client:update. Choose "Include full user" if bots are to get names.',
    '4. Its shared secret is webhookSecret.',
  ].join('\n')
}
