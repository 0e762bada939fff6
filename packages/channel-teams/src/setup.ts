/** Teams has no API for this: the steps in the portals, once per bot. */
export const setup = (
  webhookUrl: string,
): string => `1. On https://portal.azure.com, create an Azure Bot of the type \
Single Tenant (it also creates the app registration). On its page Configuration, set "Messaging endpoint" to \
${webhookUrl}. "Microsoft App ID" is appId, and "App Tenant ID" is tenantId.
2. Configuration > Manage Password > New client secret: its Value is appPassword.
3. Channels > Microsoft Teams: accept the terms, and save.
4. On https://dev.teams.microsoft.com, create an app. App features > Bot: enter the Microsoft App ID, choose the scopes \
Personal, Team and Group Chat, and turn on "Upload and download files".
5. Publish the app, or download and upload it in Teams under Apps > Manage your apps. Then write to the bot.`
