import { type Answer, type FakeProvider, fakeProvider, type ProviderCall } from '@plugboard/core/testing'

/** What a client configures for one account at a provider. */
export type Credentials = Record<string, string>

/** A request as a provider makes it, but for its signature. */
export interface Told {
  headers: Record<string, string>
  body: string
  /** Names the delivery that it is about, where it is about one. */
  query?: string
}

export interface Button {
  label: string
  token: string
}

/** A message that was sent to a person, as the provider got it. */
export interface Sent {
  /** Of whom: a value of the credentials. */
  by: string
  /** The address of the person. */
  to: string
  text: string
  buttons: Button[]
  /** Where the provider is to say what became of it. */
  callback?: string
  at: number
}

/** Who writes: people are numbers, and have the addresses that the provider gives them. */
export type Person = number

/** Answers of a provider that refuses, in its own form. */
interface Refusals {
  limited(seconds: number): Answer
  /** The person wants to hear nothing. */
  blocked: Answer
  unauthorized: Answer
  /** Of credentials, where they are checked otherwise than a call. */
  credentials?: Answer
  /** It may have been done. */
  broken: Answer
}

/** What a kind of provider is like. */
export interface Kind {
  channel: string
  /** The operator's options that send the calls of the channel to this address. */
  options(url: string): object
  /** New ones, that no other client has. */
  credentials(): Credentials
  /** The field that is the account at the provider, and the one that a bad token is blamed on. */
  fields: { account: string; token: string }
  /** What may never be shown. */
  secrets(credentials: Credentials): string[]
  /** The strict answer to a call, as the real provider would give it. */
  answer(call: ProviderCall): Answer
  /** The message that a call sends; undefined for one that sends none. */
  sentBy(call: ProviderCall): Omit<Sent, 'at'> | undefined
  /** Whether an answer says that it was done. */
  isDone(answer: Answer): boolean
  refusals: Refusals
  /** Whom a rate limit is about. */
  limits: 'person' | 'account'
  /** Cards of a carousel that are more than one part. */
  cards: number
  addressOf(person: Person): string
  endpointOf(person: Person, credentials?: Credentials): { identity: string; sender: string; thread: string }
  write(person: Person, text: string, key: string): Told
  /** What a bot hears of a text. Default: the text. */
  heardAs?(text: string): string
  /** A file, and its bytes. */
  send(person: Person, key: string, url: string): { told: Told; bytes: string }
  /** A press of a button, or what a person writes where there are none. */
  press(person: Person, question: Sent, index: number, key: string): Told
  /** A press of a button that never was. */
  forge?(person: Person, button: Button, key: string): Told
  /** The provider's own mark of a repeated request. */
  again(told: Told): Told
  /** How a request shows that it is the provider's. */
  proof: 'secret' | 'signature' | 'signature of the time'
  /** With the headers that show that it is the provider's. */
  sign(told: Told, credentials: Credentials, publicUrl: string, at?: Date): Told
  /** Bodies that it never sends. */
  malformed: Told[]
  /** The answer to what was taken in. */
  thanks: { status: number; text: string }
}

/** A strict fake provider in this process, of whom tests can ask what people got. */
export interface Provider extends Kind {
  readonly url: string
  readonly calls: readonly ProviderCall[]
  /** Messages that people got. */
  readonly shown: readonly Sent[]
  /** Messages that were tried, whatever became of them. */
  readonly tried: readonly Sent[]
  /** Refusals of the strict fake itself: what the real provider would not have taken. */
  readonly refused: readonly string[]
  /** A response instead of the strict one, without an effect. */
  answerInstead: (sent: Sent | undefined, call: ProviderCall) => Answer | undefined
  /** Makes every call fail so; without a fault, calls go well again. */
  failWith: FakeProvider['failWith']
  nextCall: FakeProvider['nextCall']
  close: FakeProvider['close']
}

export async function startProvider(kind: Kind): Promise<Provider> {
  const [shown, tried, refused]: [Sent[], Sent[], string[]] = [[], [], []]
  const fake = await fakeProvider({
    answer(call) {
      const parsed = kind.sentBy(call)
      const sent = parsed && { ...parsed, at: Date.now() }
      if (sent) tried.push(sent)
      const instead = provider.answerInstead(sent, call)
      if (instead) return instead
      const answer = kind.answer(call)
      if (!kind.isDone(answer)) refused.push(`${call.path} ${answer.body}`)
      else if (sent) shown.push(sent)
      return answer
    },
  })
  const provider: Provider = {
    ...kind,
    ...{ url: fake.url, calls: fake.calls, shown, tried, refused },
    answerInstead: () => undefined,
    failWith: (fault) => fake.failWith(fault),
    nextCall: () => fake.nextCall(),
    close: () => fake.close(),
  }
  return provider
}

/**
 * Resolves when this call was read, before its retry can come: to poll for a call with a fault would miss quick retries on
 * a busy machine.
 */
export async function callWith(
  isMeant: (call: ProviderCall) => boolean,
  { nextCall }: Pick<FakeProvider, 'nextCall'>,
): Promise<void> {
  for (;;) if (isMeant(await nextCall())) return
}

export const json = (status: number, value: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})
