import { classifierOf, GraphError, type Meaning } from '@plugboard/graph-api'

const window = (): Meaning => ({
  kind: 'window',
  reason: 'more than 24 hours after the last message of the person, Messenger takes utility templates only',
})
const recipient = (reason: string): Meaning => ({ kind: 'recipient', reason })
const invalid = (reason: string): Meaning => ({ kind: 'invalid', reason })

/**
 * Codes of the Send API, with and without a subcode.
 * https://developers.facebook.com/docs/messenger-platform/error-codes
 */
const codes: Readonly<Record<string, Meaning>> = {
  '10/2018065': window(),
  '10/2018278': window(),
  '10/2018108': recipient('the person takes no messages of this page now'),
  '10/2018300': recipient('another app or the inbox of the page has the conversation'),
  '100/2018001': recipient('there is no such person for this page'),
  '100/2018008': invalid('the file could not be downloaded from its address'),
  '100/2018047': invalid('the file could not be uploaded'),
  '100/2018109': invalid('the file is larger than 25 MB'),
  '200/1545041': recipient('the person cannot get messages now, or has blocked the page'),
  '200/2018028': recipient('the app is not reviewed, so it may write to its own testers only'),
  '230': { kind: 'auth', reason: 'the access token lacks the permission pages_messaging' },
  '546': invalid('the type of the file is not allowed'),
  '551': recipient('the person cannot get messages now, or has blocked the page'),
  '1200': { kind: 'transient', reason: 'Messenger could not send the message for a moment' },
  '10303': recipient('the account of the person is not linked'),
}

export const classify = classifierOf({ provider: 'Messenger', codes, accountField: 'pageId' })

/** Whether Messenger refused what is in a message, and may take it in another form. The person got nothing. */
export function isContentRefused(error: unknown): boolean {
  if (!(error instanceof GraphError)) return false
  const { code } = error.details
  return (code === 100 || code === 546) && classify(error).kind === 'invalid'
}
