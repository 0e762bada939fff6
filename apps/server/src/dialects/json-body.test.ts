import fastify from 'fastify'
import { expect, test } from 'vitest'
import { readJson } from './json-body.js'

test('a small body is read before many large ones that came first', async () => {
  const app = fastify()
  readJson(app)
  const read: string[] = []
  app.post('/', async ({ body }) => {
    read.push(String(Object(body).name))
    return {}
  })
  await app.ready()
  const post = (name: string, length: number) =>
    app.inject({ method: 'POST', url: '/', payload: { name, text: 'a'.repeat(length) } })
  const answers = await Promise.all([
    ...Array.from({ length: 100 }, () => post('large', 300_000)),
    post('small', 1),
  ])
  expect(answers.every(({ statusCode }) => statusCode === 200)).toBe(true)
  expect(read).toHaveLength(101)
  expect(read.indexOf('small')).toBeLessThan(50)
  await app.close()
})
