import { signWebhook } from '@plugboard/graph-api/testing'

export { graphFaultAnswers, graphRefusal, handshakeUrl } from '@plugboard/graph-api/testing'

/** The body of a notification with a value of the field `messages`, as Meta posts it for a number. */
export const notificationOf = (phoneNumberId: string, value: object): string =>
  JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [
      {
        id: '102290129340398',
        changes: [
          {
            field: 'messages',
            value: {
              messaging_product: 'whatsapp',
              metadata: { display_phone_number: '15550783881', phone_number_id: phoneNumberId },
              ...value,
            },
          },
        ],
      },
    ],
  })

/** The headers of a notification with its signature. */
export function signedHeaders(body: string, appSecret: string): Record<string, string> {
  const headers = { 'content-type': 'application/json' }
  const request = { method: 'POST', publicUrl: '', headers, body: Buffer.from(body) } as const
  return Object.fromEntries(
    Object.entries(signWebhook(request, appSecret).headers).map(([name, value]) => [name, value ?? '']),
  )
}
