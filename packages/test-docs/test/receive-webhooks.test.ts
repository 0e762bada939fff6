import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient, sync } from '@plugboard/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOf, portsOf } from './support/page.js'
import { signedPost } from './support/signed-post.js'
import type { Terminal } from './support/terminal.js'
import { repository, Visit } from './support/visit.js'

const page = readFileSync(join(repository, 'docs/receive-webhooks.md'), 'utf8')

/** A route handler is a function that Next calls. `soak/next.test.ts` runs Next; here, something smaller does. */
const route = `import { serve } from '@hono/node-server'\n`
const servingRoute = `\nserve({ fetch: (request) => POST(request), port: 4105, hostname: '127.0.0.1' })\n`

interface Recipe {
  name: string
  port: number
  code: string
  /** What makes the framework parse the body before: a text of the recipe, and what replaces it. */
  parsed?: [before: string, after: string]
}

const [plain = '', express = '', fastify = '', hono = '', next = ''] = blocksOf(page)
  .filter(({ language }) => language === 'js')
  .map(({ text }) => text)

const recipes: Recipe[] = [
  {
    name: 'node:http',
    port: 4101,
    code: plain,
    parsed: ['await request.toArray())', 'await request.toArray()).toJSON()'],
  },
  {
    name: 'Express',
    port: 4102,
    code: express,
    parsed: ['const app = express()', 'const app = express()\napp.use(express.json())'],
  },
  {
    name: 'Fastify',
    port: 4103,
    code: fastify,
    parsed: [
      "bot.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => done(null, body))",
      '',
    ],
  },
  { name: 'Hono', port: 4104, code: hono, parsed: ['context.req.arrayBuffer()', 'context.req.json()'] },
  {
    name: 'Next',
    port: 4105,
    code: route + next + servingRoute,
    parsed: ['request.arrayBuffer()', 'request.json()'],
  },
]

let visit: Visit
beforeAll(async () => {
  visit = await Visit.of(page, [...portsOf(page), ...recipes.map(({ port }) => port)])
  await visit.startServer()
  for (const block of blocksOf(page).filter(({ language }) => language === 'sh')) await visit.run(block)
})
afterAll(async () => visit?.[Symbol.asyncDispose]())

/** Runs a recipe until it answers. */
async function serve(
  name: string,
  code: string,
  { port, token }: { port: number; token: string },
): Promise<Terminal> {
  const terminal = await visit.launch(`${name}.mjs`, code, { WEBHOOK_TOKEN: token })
  const answers = () =>
    fetch(visit.urlOf(port)).then(
      () => true,
      () => false,
    )
  await expect.poll(answers, { interval: 20 }).toBe(true)
  return terminal
}

const newToken = () => randomBytes(64).toString('base64')

describe.each(recipes)('the recipe for $name', ({ name, port, code, parsed: [before, after] = ['', ''] }) => {
  test('takes an event of a server, and no forgery', async () => {
    const url = `${visit.urlOf(port)}/webhook`
    const { id, token, webhooks } = await sync(visit.urlOf(3100), { webhooks: [{ url }] })
    const secret = webhooks[0]?.token ?? ''
    const bot = await serve(name.replace(/\W/g, '-'), code, { port, token: secret })
    try {
      const plugboard = createClient({ url: visit.urlOf(3100), clientId: id, clientToken: token })
      const { id: userId } = await plugboard.users.create()
      const { id: conversationId } = await plugboard.conversations.create({ userId })
      const payload = { type: 'text', text: 'Grüße 👋' } as const
      const { id: messageId } = await plugboard.messages.post({ conversationId, authorId: userId, payload })
      const state = async () => (await plugboard.messages.deliveries(messageId))[0]?.state
      await expect.poll(state, { interval: 20 }).toBe('delivered')
      expect(bot.output).toContain('message.new')
      expect(await signedPost(url, newToken())).toBe(401)
    } finally {
      await bot.close()
    }
  })

  test('reports a body that was parsed before', async () => {
    expect(code).toContain(before)
    const token = newToken()
    const bot = await serve(`${name.replace(/\W/g, '-')}-parsed`, code.replace(before, after), {
      port,
      token,
    })
    try {
      expect(await signedPost(`${visit.urlOf(port)}/webhook`, token)).toBe(503)
      await expect
        .poll(() => bot.output)
        .toContain('TypeError: the body was already parsed: pass the raw body')
    } finally {
      await bot.close()
    }
  })
})
