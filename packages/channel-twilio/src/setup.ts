/** Twilio is told by hand: which of an account's numbers belong to an integration is for its owner to say. */
export function setup(webhookUrl: string): string {
  return [
    'In the Twilio Console (https://console.twilio.com):',
    '1. Phone Numbers > Manage > Active numbers, choose your number, section "Messaging Configuration".',
    `2. "A message comes in": Webhook, ${webhookUrl}, HTTP POST. Save. (With a Messaging Service: its Integration page, "Send a webhook", the same address.)`,
    `3. For WhatsApp: Messaging > Senders > WhatsApp senders, choose the sender, "Webhook URL for incoming messages": ${webhookUrl}, HTTP Post. (The sandbox has the same field on its "Sandbox settings" page.)`,
    'Nothing has to be set for status callbacks: each message that is sent names its own.',
  ].join('\n')
}
