import { createHmac } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import { type SentMessage, sid } from './fake-twilio.js'

/** Twilio's statuses of a message, in their order. */
export type MessageStatus = 'queued' | 'sending' | 'sent' | 'delivered' | 'read' | 'undelivered' | 'failed'

/** The unsigned request with which Twilio tells what became of a message. */
export function statusCallback(
  message: SentMessage,
  status: MessageStatus,
  errorCode?: number,
): InboundRequest {
  return formRequest(message.statusCallback ?? '', {
    MessageSid: message.sid,
    MessageStatus: status,
    SmsSid: message.sid,
    SmsStatus: status,
    To: message.to,
    ...(message.from !== undefined && { From: message.from }),
    AccountSid: message.accountSid,
    ApiVersion: '2010-04-01',
    ...(errorCode !== undefined && { ErrorCode: String(errorCode) }),
  })
}

/** The unsigned request with which Twilio hands on a person's message. */
export function inboundMessage(publicUrl: string, fields: Readonly<Record<string, string>>): InboundRequest {
  const { MessageSid = sid('SM', 0) } = fields
  return formRequest(publicUrl, {
    ToCountry: 'US',
    NumMedia: '0',
    SmsStatus: 'received',
    MessageSid,
    ...fields,
  })
}

function formRequest(publicUrl: string, fields: Readonly<Record<string, string>>): InboundRequest {
  return {
    method: 'POST',
    publicUrl,
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'user-agent': 'TwilioProxy/1.1',
      accept: '*/*',
      'i-twilio-idempotency-token': '7c4a1b52-5a3e-4b8e-9a0e-2f0f4c6d9d11',
    },
    body: Buffer.from(new URLSearchParams(fields).toString()),
  }
}

/**
 * Signs a request as Twilio does, from its documentation and without its SDK:
 * https://www.twilio.com/docs/usage/security#validating-requests
 */
export function sign(request: InboundRequest, { authToken }: { authToken: string }): InboundRequest {
  const { publicUrl, headers, body } = request
  const isForm = !new URL(publicUrl).searchParams.has('bodySHA256')
  const fields = isForm ? [...new URLSearchParams(Buffer.from(body).toString())] : []
  const sorted = fields.sort(byNameAndValue)
  const unique = sorted.filter((pair, i) => byNameAndValue(pair, sorted[i - 1] ?? ['', '']) !== 0)
  const data = publicUrl + unique.flat().join('')
  const signature = createHmac('sha1', authToken).update(data).digest('base64')
  return { ...request, headers: { ...headers, 'x-twilio-signature': signature } }
}

function byNameAndValue([a, x]: [string, string], [b, y]: [string, string]): number {
  if (a !== b) return a < b ? -1 : 1
  return x < y ? -1 : Number(x > y)
}
