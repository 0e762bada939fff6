import { randomBytes } from 'node:crypto'
import type { ProviderCall } from '@plugboard/core/testing'
import { graphFaultAnswers, graphRefusal, signWebhook } from '@plugboard/graph-api/testing'
import type { Button, Credentials, Kind, Person, Sent, Told } from './provider.js'

/** Stands for the page or the account in a request until that is signed. */
const ACCOUNT = '{account}'
const FILE = '/files/picture'

/** What differs between Messenger and Instagram. */
interface Product {
  channel: 'messenger' | 'instagram'
  /** Of its notifications. */
  object: 'page' | 'instagram'
  /** The field of the credentials with the page or the account. */
  account: string
  /** Digits that ids of people begin with. */
  people: string
  credentials(): Credentials
  answer: Kind['answer']
  files: Map<string, { mime: string; body: string }>
}

export const digits = (length: number): string =>
  `1${BigInt(`0x${randomBytes(12).toString('hex')}`)}`.slice(0, length)

interface Control {
  title?: string
  payload?: string
}

interface Body {
  recipient: { id: string }
  message?: {
    text?: string
    template?: { name: string }
    quick_replies?: Control[]
    attachment?: {
      payload: {
        text?: string
        buttons?: Control[]
        elements?: { title: string; subtitle?: string; buttons?: Control[] }[]
      }
    }
  }
}

/** A provider, and how it tells of one update of a person. */
export interface MessagingKind extends Kind {
  told(person: Person, update: object): Told
}

export function messagingKind(product: Product): MessagingKind {
  const { channel, object, account, people, files } = product
  const bytes = `bytes of a picture at ${channel}`
  files.set(FILE, { mime: 'image/jpeg', body: bytes })
  /** Tokens of buttons that stay, whose presses are postbacks. */
  const staying = new Set<string>()
  const idOf = (person: Person): string => people + String(person).padStart(6, '0')

  const told = (person: Person, update: object): Told => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      object,
      entry: [
        {
          ...{ id: ACCOUNT, time: Date.now() },
          messaging: [
            { sender: { id: idOf(person) }, recipient: { id: ACCOUNT }, timestamp: Date.now(), ...update },
          ],
        },
      ],
    }),
  })
  const message = (person: Person, key: string, content: object): Told =>
    told(person, { message: { mid: `m_${key}`, ...content } })
  const press = (person: Person, { label, token }: Button, key: string): Told =>
    staying.has(token)
      ? told(person, { postback: { mid: `m_${key}`, title: label, payload: token } })
      : message(person, key, { text: label, quick_reply: { payload: token } })

  function sentBy(call: ProviderCall) {
    const [, by] = /^\/v[\d.]+\/(\d+)\/messages(?:\?|$)/.exec(call.path) ?? []
    const { recipient, message } = by && call.body ? (JSON.parse(call.body) as Body) : {}
    if (!by || !recipient || !message) return undefined
    const { text, template, quick_replies = [], attachment } = message
    const { payload } = attachment ?? {}
    const elements = payload?.elements ?? []
    const controls = [...(payload?.buttons ?? []), ...elements.flatMap(({ buttons = [] }) => buttons)]
    const buttons = controls.flatMap(buttonIn)
    for (const { token } of buttons) staying.add(token)
    const words = elements.flatMap(({ title, subtitle = '' }) => [title, subtitle])
    return {
      ...{ by, to: recipient.id, buttons: [...quick_replies.flatMap(buttonIn), ...buttons] },
      text: text ?? payload?.text ?? template?.name ?? words.join('\n'),
    }
  }

  return {
    ...{
      channel,
      told,
      sentBy,
      press: (person, { buttons }: Sent, index, key) => press(person, buttons[index] as Button, key),
    },
    options: (url) => ({ apiBaseUrl: url }),
    credentials: product.credentials,
    fields: { account, token: 'accessToken' },
    secrets: ({ appSecret = '', verifyToken = '', accessToken = '' }) => [
      appSecret,
      verifyToken,
      accessToken,
    ],
    answer: product.answer,
    isDone: ({ status = 200 }) => status < 400,
    refusals: {
      limited(seconds) {
        const refusal = graphRefusal(400, 613, 'Calls to this API have exceeded the rate limit')
        return { ...refusal, headers: { ...refusal.headers, 'retry-after': String(seconds) } }
      },
      blocked: graphRefusal(400, 551, 'This person is not available right now', { error_subcode: 1_545_041 }),
      unauthorized: graphFaultAnswers.unauthorized,
      broken: graphFaultAnswers['server-error'],
    },
    limits: 'account',
    cards: 3,
    addressOf: idOf,
    endpointOf: (person) => ({ identity: '*', sender: idOf(person), thread: '*' }),
    write: (person, text, key) => message(person, key, { text }),
    send: (person, key, url) => ({
      told: message(person, key, {
        text: 'Look',
        attachments: [{ type: 'image', payload: { url: url + FILE } }],
      }),
      bytes,
    }),
    forge: press,
    again: (request) => request,
    proof: 'signature',
    sign({ headers, body: written }, credentials, publicUrl) {
      const { appSecret = '', [account]: id = '' } = credentials
      const body = written.replaceAll(ACCOUNT, id)
      const request = { method: 'POST', publicUrl, headers, body: Buffer.from(body) } as const
      return { headers: signWebhook(request, appSecret).headers as Record<string, string>, body }
    },
    malformed: ['{}', '[]', 'hello', `{"object":"${object}","entry":"none"}`].map((body) => ({
      headers: { 'content-type': 'application/json' },
      body,
    })),
    thanks: { status: 200, text: '' },
  }
}

const buttonIn = ({ title = '', payload }: Control): Button[] =>
  payload === undefined ? [] : [{ label: title, token: payload }]
