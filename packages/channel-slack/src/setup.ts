import type { IntegrationMode } from '@plugboard/core'

/** Slack has no API for this: the steps on https://api.slack.com/apps, once per app. */
export const setup = (webhookUrl: string, mode: IntegrationMode, sharedUrl = ''): string =>
  mode === 'listen' ? SOCKET_MODE : `${withRequestUrl(webhookUrl)}\n\n${ofOperator(sharedUrl)}`

const SOCKET_MODE = `On https://api.slack.com/apps, in your app:
1. Socket Mode: turn it on, and generate an app-level token with the scope connections:write: it is appToken.
2. OAuth & Permissions: add the bot token scopes chat:write, app_mentions:read, channels:history, groups:history, \
im:history, mpim:history, reactions:read, files:read (and commands for slash commands), then install the app. \
"Bot User OAuth Token" is botToken.
3. Event Subscriptions: turn it on and subscribe to the bot events message.im, message.channels, message.groups, \
message.mpim, app_mention, app_home_opened, reaction_added, reaction_removed. Save.
4. Interactivity & Shortcuts: turn it on.
5. App Home: turn on the Messages Tab, and let people send messages from it.
6. Install the app again when Slack asks for it, and invite the bot to its channels with /invite.`

const ofOperator = (
  sharedUrl: string,
): string => `With teamId, the integration uses the app of the operator of this \
server. Install that app in the workspace, and invite it to its channels with /invite: nothing else is to be done. The \
operator sets up the app once, in the same way, with the Request URL ${sharedUrl}.`

const withRequestUrl = (webhookUrl: string): string => `On https://api.slack.com/apps, in an app of your own:
1. OAuth & Permissions: add the bot token scopes chat:write, app_mentions:read, channels:history, groups:history, \
im:history, mpim:history, reactions:read, files:read (and commands for slash commands), then install the app. \
"Bot User OAuth Token" is botToken; "Signing Secret" on the page Basic Information is signingSecret.
2. Event Subscriptions: turn it on with the Request URL ${webhookUrl} and subscribe to the bot events \
message.im, message.channels, message.groups, message.mpim, app_mention, app_home_opened, reaction_added, \
reaction_removed. Save.
3. Interactivity & Shortcuts: turn it on with the same Request URL.
4. Slash Commands: give each command the same Request URL.
5. App Home: turn on the Messages Tab, and let people send messages from it.
6. Install the app again when Slack asks for it, and invite the bot to its channels with /invite.`
