import { classifierOf, GraphError, type Meaning } from '@plugboard/graph-api'

const window = (): Meaning => ({
  kind: 'window',
  reason: 'more than 24 hours after the last message of the person, Instagram takes no messages',
})
const recipient = (reason: string): Meaning => ({ kind: 'recipient', reason })
const notATester = (): Meaning =>
  recipient('the app has no Advanced Access, so it may write to people with a role in it only')
const invalid = (reason: string): Meaning => ({ kind: 'invalid', reason })

/**
 * Codes of the messages, with and without a subcode.
 * https://developers.facebook.com/docs/messenger-platform/error-codes
 */
const codes: Readonly<Record<string, Meaning>> = {
  '10/2018278': window(),
  '10/2534022': window(),
  '10/2534048': notATester(),
  '200/2534048': notATester(),
  '100/2534037': recipient('another app has the conversation'),
  '10/2018108': recipient('the person takes no messages of this account now'),
  '10/2018300': recipient('another app or the inbox of the account has the conversation'),
  '100/2018001': recipient('there is no such person for this account'),
  '100/2534014': recipient('there is no such person for this account, or the person has blocked it'),
  '100/2534001': recipient('the conversation is archived or deleted'),
  '100/2018008': invalid('the file could not be downloaded from its address'),
  '100/2018109': invalid('the file is too large'),
  '200/1545041': recipient('the person cannot get messages now, or has blocked the account'),
  '230': { kind: 'auth', reason: 'the access token lacks the permission instagram_business_manage_messages' },
  '551': recipient('the person cannot get messages now, or has blocked the account'),
}

export const classify = classifierOf({ provider: 'Instagram', codes, accountField: 'accountId' })

/** Whether Instagram refused what is in a message, and may take it in another form. The person got nothing. */
export function isContentRefused(error: unknown): boolean {
  return error instanceof GraphError && error.details.code === 100 && classify(error).kind === 'invalid'
}
