import type { IntegrationMode } from '@plugboard/core'

/** What a person must do; the URL is registered by the channel. */
export const setup = (webhookUrl: string, mode: IntegrationMode): string =>
  mode === 'listen' ? LISTEN : withUrl(webhookUrl)

const INSTALL = `Installation: choose "Guild Install" with the scopes bot and applications.commands and the permissions \
View Channels, Send Messages, Send Messages in Threads, Embed Links, Attach Files and Read Message History, and open the \
install link to add the bot to a server.`

const LISTEN = `On https://discord.com/developers/applications, in your app:
1. Bot: "Token" is botToken. Turn on the Message Content Intent, or sync "messageContent": false: then the bot gets \
direct messages, and messages in servers that mention it.
2. General Information: "Application ID" is applicationId. Leave "Interactions Endpoint URL" empty: buttons and commands \
come over the same connection as messages.
3. ${INSTALL}`

const withUrl = (webhookUrl: string): string => `On https://discord.com/developers/applications, in your app:
1. Bot: "Token" is botToken.
2. General Information: "Application ID" is applicationId, and "Public Key" is publicKey. "Interactions Endpoint URL" \
becomes ${webhookUrl} by itself.
3. ${INSTALL}
In this mode people reach the bot with commands and buttons only, because Discord sends messages to no URL. Sync \
"mode": "listen" to get messages, commands and buttons.`
