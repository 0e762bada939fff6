import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { blocksOf } from './support/page.js'
import { follow, repository } from './support/visit.js'

/** Their reasons are here, because a comment would be in the packages that are made of them. */
const left = {
  'packages/create-plugboard-channel/template/README.md':
    'the README of a package that is not published; the release tests install and load one made of it',
}

const pages = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*README.md', 'docs/**.md'],
  {
    cwd: repository,
    encoding: 'utf8',
  },
)
  .split('\n')
  .filter((path) => path && !(path in left))
  .map((path) => ({ path, page: readFileSync(join(repository, path), 'utf8') }))
  .filter(({ page }) => blocksOf(page).length > 0)

describe('every command and snippet works, from an empty folder:', () => {
  test.each(pages)('$path', async ({ page }) => {
    await follow(page)
  })
})

test.each(pages)('$path names tests that exist', ({ page }) => {
  const tests = [...page.matchAll(/^<!-- run by (\S+) -->$/gm)].map(([, path = '']) => path)
  expect(tests.filter((path) => !existsSync(join(repository, path)))).toEqual([])
})

describe('a page is followed', () => {
  const fault = async (page: string) => {
    try {
      await follow(page)
    } catch (error) {
      return (error as Error).message
    }
    return 'none'
  }

  test('in one terminal, so that a block sees the variables of those before', async () => {
    expect(await fault('```sh\nA=1\n```\n\n```sh\ntest "$A" = 1\n```\n')).toBe('none')
  })

  test('until a command fails, also inside a pipe, and the line is named', async () => {
    expect(await fault('# Page\n\n```sh\ntrue\n```\n\n```sh\nfalse | cat\n```\n')).toContain(
      'line 7: a command failed',
    )
  })

  test('where curl gets an error', async () => {
    const page = '<!-- run: server -->\n```sh\ncurl -s http://127.0.0.1:3100/api/v1/nothing\n```\n'
    expect(await fault(page)).toContain('line 2: a command failed')
  })

  test('without the blocks that have a reason', async () => {
    expect(await fault('<!-- not run: it fails -->\n```sh\nfalse\n```\n')).toBe('none')
  })

  test('with an expectation of what is printed', async () => {
    expect(await fault('<!-- run: prints two -->\n```js\nconsole.log("one")\n```\n')).toContain(
      '"two" is not in',
    )
  })

  test('only with what it installs', async () => {
    const snippet = '```js\nimport "express"\n```\n'
    expect(await fault(snippet)).toContain('Cannot find package')
    expect(await fault(`\`\`\`sh\nnpm install express\n\`\`\`\n\n${snippet}`)).toBe('none')
  })

  test('where a channel is configured as its schema requires', async () => {
    expect(await fault('```json\n{ "channels": { "slack": { "version": "1.0.0" } } }\n```\n')).toContain(
      'slack: ',
    )
  })

  test.each([
    ['<!-- run: quickly -->\n```sh\n```\n', 'unknown option: quickly'],
    ['<!-- run: server -->\ntext\n', 'no block follows'],
    ['```sh\n', 'the block has no end'],
    ['```nginx\n```\n', 'cannot be run'],
  ])('unless its form is wrong: %j', async (page, reason) => {
    expect(await fault(page)).toContain(reason)
  })
})
