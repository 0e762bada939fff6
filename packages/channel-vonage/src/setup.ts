/** Instructions for a person, because only the owner knows which numbers belong to the integration. */
export function setup(webhookUrl: string): string {
  return [
    'In the Vonage Dashboard (https://dashboard.vonage.com):',
    '1. Applications > your application (or "Create a new application") > Edit. Switch on "Messages", version v1.',
    `2. "Inbound URL" and "Status URL": ${webhookUrl}. Save, and link your numbers and accounts to the application.`,
    '3. For SMS: API settings > "SMS settings": Messages API.',
    `4. For the sandbox (useTestingApi): Developer tools > Messages sandbox > Webhooks, both fields: ${webhookUrl}`,
    'Signed webhooks must stay switched on. The signature secret is under API settings.',
  ].join('\n')
}
