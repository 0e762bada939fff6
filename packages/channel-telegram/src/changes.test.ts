import { describe, expect, test } from 'vitest'
import { refusal } from '../test/fake-telegram.js'
import { onStage, partsOf, type Stage } from '../test/stage.js'

const sent = { providerMessageIds: ['-1002003004005:77'] }
const place = { chat_id: '-1002003004005', message_id: 77 }
const last = ({ api }: Stage) => api.calls.at(-1)

const edit = async (stage: Stage, content: object) => {
  const [part] = partsOf(stage.runtime, content as never)
  if (!part || !stage.runtime.edit) throw new Error('there is no part, or no edit')
  return stage.runtime.edit(sent, part, stage.context())
}

describe('an edited message', () => {
  test.each([
    ['a text', { type: 'text', text: 'new' }, 'editMessageText', { text: 'new' }],
    [
      'a picture with a title',
      { type: 'image', image: 'https://a.example/b.png', title: 'new' },
      'editMessageMedia',
      { media: { type: 'photo', media: 'https://a.example/b.png', caption: 'new' } },
    ],
  ])('becomes %s', (_, content, method, args) =>
    onStage(async (stage) => {
      expect(await edit(stage, content)).toEqual({ providerMessageIds: [] })
      expect(last(stage)).toMatchObject({ method, args: { ...place, ...args } })
    }),
  )

  test('keeps its buttons where the content has them', () =>
    onStage(async (stage) => {
      await edit(stage, { type: 'single-choice', text: 'Size?', choices: [{ title: 'M', value: 'm' }] })
      expect(last(stage)).toMatchObject({ method: 'editMessageText', args: { reply_markup: {} } })
    }))

  test('that is not modified is a success', () =>
    onStage(async (stage) => {
      stage.api.answerNext(
        refusal(400, 'Bad Request: message is not modified: specified new message content'),
      )
      expect(await edit(stage, { type: 'text', text: 'same' })).toEqual({ providerMessageIds: [] })
    }))

  test.each([
    'Bad Request: message to edit not found',
    "Bad Request: message can't be edited",
    'Bad Request: there is no text in the message to edit',
  ])('that Telegram refuses fails for good, with the reason: %s', (description) =>
    onStage(async (stage) => {
      stage.api.answerNext(refusal(400, description))
      const failure = await stage.fail(() => edit(stage, { type: 'text', text: 'new' }))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('editMessageText') })
    }),
  )

  test('cannot become a place', () =>
    onStage(async (stage) => {
      const failure = await stage.fail(() => edit(stage, { type: 'location', latitude: 1, longitude: 2 }))
      expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining('place') })
      expect(stage.api.calls).toHaveLength(0)
    }))

  test('is sent without formats that Telegram cannot parse', () =>
    onStage(async (stage) => {
      stage.api.answerNext(refusal(400, "Bad Request: can't parse entities: unsupported start"))
      await edit(stage, { type: 'text', text: '**new**', markdown: true })
      expect(last(stage)?.args).toEqual({ ...place, text: 'new' })
    }))
})

describe('a removed message', () => {
  const remove = async ({ runtime, context }: Stage, id = sent) => runtime.remove?.(id, context())

  test('is deleted, and so is one that is not there any more', () =>
    onStage(async (stage) => {
      await remove(stage)
      expect(last(stage)).toMatchObject({ method: 'deleteMessage', args: place })
      stage.api.answerNext(refusal(400, 'Bad Request: message to delete not found'))
      await remove(stage)
    }))

  test('that is too old fails for good, with the reason', () =>
    onStage(async (stage) => {
      stage.api.answerNext(refusal(400, "Bad Request: message can't be deleted for everyone"))
      expect(await stage.fail(() => remove(stage))).toMatchObject({ kind: 'invalid' })
      const foreign = { providerMessageIds: ['C1:1.2'] }
      expect(await stage.fail(() => remove(stage, foreign))).toMatchObject({ kind: 'invalid' })
    }))
})
