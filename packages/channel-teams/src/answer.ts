import { jsonInAnswer, readAnswer } from '@plugboard/core'

/** Most bytes of an answer that are read. */
const MAX_ANSWER_BYTES = 256 * 1024

/** The JSON of an answer; undefined for what is none. @throws as `readAnswer` of core */
export const answerOf = async (response: Response): Promise<unknown> =>
  jsonInAnswer(await readAnswer(response, MAX_ANSWER_BYTES))
