/** For whom a channel is, in few words. Channels of others have none. */
const ABOUT: Readonly<Record<string, string>> = {
  discord: 'Messages to a bot on Discord',
  instagram: 'Direct messages on Instagram',
  messenger: 'Messages to a Facebook page',
  slack: 'Messages to a Slack app',
  smooch: 'Zendesk, through its Sunshine API',
  teams: 'Messages to a bot in Teams',
  telegram: 'Messages to a Telegram bot',
  twilio: 'SMS, MMS and WhatsApp through Twilio',
  vonage: 'SMS, WhatsApp, Viber through Vonage',
  web: 'A chat on your web pages',
  webhook: 'Any other system, over HTTP',
  whatsapp: 'WhatsApp, at Meta directly',
}

export const aboutOf = (channel: string): string | undefined => ABOUT[channel]
