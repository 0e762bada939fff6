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

  'of twenty who put a text at once one wins, and all learn which': async ({ store }) => {
    const answers = await atOnce(20, (index) => store.putMetaIfAbsent('key', `text ${index}`))
    same(new Set(answers).size, 1)
    same(await store.getMeta('key'), answers[0])
  },
}
