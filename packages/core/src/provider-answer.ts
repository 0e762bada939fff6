import { readJson } from './body-limits.js'
import { FailureError } from './failure.js'
import { networkFailure } from './network-failure.js'

/**
 * An answer has more bytes than the caller reads; its connection is closed. `networkFailure` makes it `ambiguous`, because
 * the provider may have done what it was asked for.
 */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
  readonly code = 'ANSWER_TOO_LARGE'
}

/**
 * Reads the body of an answer: at most `maxBytes`, because a provider may send without end.
 * @throws AnswerTooLarge; what `fetch` throws if the answer breaks off
 */
export async function readAnswer({ body }: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.length
    // Leaving the loop cancels the rest.
    if (size > maxBytes) throw new AnswerTooLarge(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/**
 * The JSON in an answer, which is not checked further. Undefined for anything else, such as the page of a proxy or JSON
 * beyond the limits of `readJson`.
 */
export function jsonInAnswer(answer: Uint8Array, limits: { maxValues?: number } = {}): unknown {
  try {
    return readJson(answer, 'answer', limits)
  } catch {
    return undefined
  }
}

/**
 * Makes one call with the `fetch` of the host and reads its answer, of at most `maxBytes`. `peer` names the called service
 * in the message of a failure.
 * @throws FailureError if there is no answer, or one that is too large
 */
export async function exchange(
  fetch: typeof globalThis.fetch,
  url: string,
  init: RequestInit,
  { peer, maxBytes }: { peer: string; maxBytes: number },
): Promise<{ status: number; headers: Headers; body: Uint8Array }> {
  try {
    const response = await fetch(url, init)
    const { status, headers } = response
    return { status, headers, body: await readAnswer(response, maxBytes) }
  } catch (error) {
    throw new FailureError(networkFailure(error, peer))
  }
}
