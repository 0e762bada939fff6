import { atOnce, same } from './assertions.js'
import type { Cases } from './scene.js'

/** A few named texts of the whole store. */
export const metaCases: Cases = {
  'has nothing under a name that was never written': async ({ store }) => {
    await store.putMeta('key', 'value')
    same(await store.getMeta('another'), undefined)
  },

  'keeps a text character by character, and writes over what stood there': async ({ store }) => {
    const text = `line\n"quoted" 'single' \\ \u{1f600} é e\u0301 ${'long '.repeat(10_000)}`
    await store.putMeta('key', 'first')
    await store.putMeta('key', text)
    same(await store.getMeta('key'), text)
  },

  'putMetaIfAbsent writes where nothing stands, and answers what it wrote': async ({ store }) => {
    same(await store.putMetaIfAbsent('key', 'mine'), 'mine')
    same(await store.getMeta('key'), 'mine')
  },

  'putMetaIfAbsent leaves what stands there, and answers that': async ({ store }) => {
    await store.putMeta('key', 'theirs')
    same(await store.putMetaIfAbsent('key', 'mine'), 'theirs')
    same(await store.getMeta('key'), 'theirs')
  },

  'replaceMeta writes over what it was told of, and nothing else': async ({ store }) => {
    same(await store.replaceMeta('key', '', 'mine'), false)
    same(await store.getMeta('key'), undefined)
    await store.putMeta('key', 'theirs')
    same(await store.replaceMeta('key', 'their', 'mine'), false)
    same(await store.getMeta('key'), 'theirs')
    same(await store.replaceMeta('key', 'theirs', 'theirs'), true)
    same(await store.replaceMeta('key', 'theirs', ''), true)
    same(await store.replaceMeta('key', '', 'mine'), true)
    same(await store.getMeta('key'), 'mine')
  },

  'of twenty who replace a text at once one does': async ({ store }) => {
    await store.putMeta('key', 'first')
    const answers = await atOnce(20, (index) => store.replaceMeta('key', 'first', `text ${index}`))
    same(answers.filter(Boolean).length, 1)
    same(await store.getMeta('key'), `text ${answers.indexOf(true)}`)
  },

  'of twenty who put a text at once one wins, and all learn which': async ({ store }) => {
    const answers = await atOnce(20, (index) => store.putMetaIfAbsent('key', `text ${index}`))
    same(new Set(answers).size, 1)
    same(await store.getMeta('key'), answers[0])
  },
}
