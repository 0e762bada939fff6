import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { cleanUp, sharedServer } from '../support/server.js'
import {
  accessibilityFaults,
  attach,
  botSays,
  openShop,
  type Shop,
  type VisitOptions,
  type Visitor,
} from '../support/shop.js'

const server = sharedServer()

/** Eight pixels by eight. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mOQzw/BihiGlgQABtI4gU8FdP0AAAAASUVORK5CYII=',
  'base64',
)
/** A tenth of a second of silence: 800 samples of 8 bits. */
const WAV = Buffer.concat([
  Buffer.from('524946464403000057415645666d7420100000000100', 'hex'),
  Buffer.from('0100401f0000401f0000010008006461746120030000', 'hex'),
  Buffer.alloc(800, 0x80),
])

let browser: Browser
let shop: Shop
beforeAll(async () => {
  browser = await startBrowser()
  shop = await openShop(server, browser, { greeting: 'Hi! How can we help?' })
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await shop?.close()
  await cleanUp()
})

/** A visitor who has written to the bot, and where. */
async function talk(
  text: string,
  options?: VisitOptions,
): Promise<{ visitor: Visitor; conversationId: string }> {
  const visitor = await shop.visit(options)
  await visitor.open()
  await visitor.write(text)
  return { visitor, conversationId: await visitor.conversationOf(text) }
}

test('a visitor writes, the bot answers, and both see that the other writes and reads', async () => {
  const { visitor, conversationId } = await talk('Is the fern in stock?')
  const { page, chat } = visitor
  await visitor.sees('Hi! How can we help?')
  await visitor.sees('Sent')

  await shop.site.client.call('POST', `/conversations/${conversationId}/typing`, { isTyping: true })
  await visitor.sees('Fern & Moss is writing…')
  await botSays(shop, conversationId, { type: 'text', text: 'Yes, two of them.' })
  await visitor.sees('Yes, two of them.')
  expect(await visitor.texts()).toEqual(['> Is the fern in stock?', 'Yes, two of them.'])
  await expect.poll(() => chat.getByText('is writing…').count()).toBe(0)
  // Both are told to those who cannot see.
  await expect
    .poll(() => chat.locator('[role=status]').allTextContents())
    .toContain('Fern & Moss said: Yes, two of them.')

  const told = page.waitForResponse((response) => response.url().endsWith('/typing'))
  await chat.getByRole('textbox').pressSequentially('Thank')
  expect((await told).status()).toBe(204)
  await visitor.picture('talk')
  expect(visitor.faults).toEqual([])
  expect(await page.title()).toBe('Shop')
})

describe('content', () => {
  test('of every type is shown, as the person would expect it', async () => {
    const { visitor, conversationId } = await talk('Show me all')
    const { chat } = visitor
    await botSays(shop, conversationId, {
      type: 'text',
      markdown: true,
      text: '## Care\n\n- **soft** water\n- [guide](https://shop.example/guide)\n\n<b>no HTML</b> [x](javascript:alert(1))',
    })
    await botSays(shop, conversationId, {
      type: 'location',
      latitude: 52.52,
      longitude: 13.405,
      title: 'Our shop',
      address: 'Torstr. 1, Berlin',
    })
    await botSays(shop, conversationId, {
      type: 'file',
      file: 'https://shop.example/care.pdf',
      title: 'Care guide',
    })
    await botSays(shop, conversationId, {
      type: 'image',
      image: 'https://shop.example/fern.png',
      title: 'Fern',
    })
    await botSays(shop, conversationId, {
      type: 'audio',
      audio: 'https://shop.example/hello.mp3',
      title: 'Hello',
    })
    await botSays(shop, conversationId, {
      type: 'video',
      video: 'https://shop.example/film.mp4',
      title: 'Film',
    })
    await botSays(shop, conversationId, { type: 'of-tomorrow' })

    await visitor.sees('This message cannot be shown here.')
    await chat.getByRole('listitem').filter({ hasText: 'soft water' }).first().waitFor()
    const guide = chat.getByRole('link', { name: 'guide', exact: true })
    expect(await guide.getAttribute('href')).toBe('https://shop.example/guide')
    expect(await guide.getAttribute('rel')).toContain('noopener')
    await visitor.sees('<b>no HTML</b> x')
    expect(await chat.getByRole('link', { name: 'x', exact: true }).count()).toBe(0)
    await chat.getByRole('link', { name: /Our shop/ }).waitFor()
    expect(await chat.getByRole('link', { name: 'Download Care guide' }).getAttribute('download')).toBe(
      'Care guide',
    )
    // This page allows no pictures and no sound of others, so they are links.
    await chat.getByRole('link', { name: 'Open picture' }).waitFor()
    for (const caption of ['Fern', 'Hello', 'Film'])
      await chat.getByRole('figure').getByText(caption, { exact: true }).last().waitFor()
    await chat.getByRole('link', { name: 'Download Hello' }).waitFor()
    await chat.getByRole('link', { name: 'Download Film' }).waitFor()
    expect(await accessibilityFaults(visitor.page)).toEqual([])
  })

  test('cards are turned with the keyboard, and pressed', async () => {
    const { visitor, conversationId } = await talk('Which plants?')
    const { page, chat } = visitor
    const items = ['Fern', 'Monstera', 'Ivy'].map((title) => ({
      title,
      subtitle: 'Potted',
      actions: [
        { action: 'Postback', title: `Buy ${title}`, payload: `buy-${title}` },
        { action: 'Open URL', title: 'Details', url: `https://shop.example/${title}` },
        { action: 'Say something', title: `More of ${title}`, text: `Tell me more about ${title}` },
      ],
    }))
    await botSays(shop, conversationId, { type: 'carousel', items })
    const carousel = chat.getByRole('region', { name: 'Cards' })
    await carousel.getByRole('listitem', { name: '1 of 3' }).waitFor()
    await carousel.getByRole('button', { name: 'Next' }).press('Enter')
    await expect.poll(() => carousel.locator('.turn').textContent()).toBe('2 of 3')
    await visitor.picture('carousel')
    expect(await accessibilityFaults(page)).toEqual([])
    await carousel.getByRole('button', { name: 'Buy Monstera' }).press('Enter')
    await shop.bot.until(() =>
      shop.bot
        .ofType('message.new')
        .some(({ json }) => json.data.message?.payload.payload === 'buy-Monstera'),
    )
    // The visitor sees the label, and the bot the value, which it offered.
    await expect.poll(() => visitor.texts()).toContain('> Buy Monstera')
    expect(shop.heard().at(-1)).not.toHaveProperty('foreign')
    await carousel.getByRole('button', { name: 'More of Monstera' }).press('Enter')
    await expect.poll(() => visitor.texts()).toContain('> Tell me more about Monstera')
    await shop.bot.until(() => shop.heard().at(-1)?.type === 'say_something')
    expect(shop.heard().at(-1)).toEqual({
      type: 'say_something',
      text: 'Tell me more about Monstera',
      messageId: expect.any(String),
    })
  })

  test('a choice and an option are answers', async () => {
    const { visitor, conversationId } = await talk('Help me')
    const { chat } = visitor
    await botSays(shop, conversationId, {
      type: 'single-choice',
      text: 'What is it about?',
      choices: [
        { title: 'My order', value: 'order' },
        { title: 'A return', value: 'return' },
      ],
    })
    // They stay under their message until they are answered.
    await botSays(shop, conversationId, { type: 'text', text: 'Take your time.' })
    await visitor.sees('Take your time.')
    await visitor.picture('choices')
    await chat
      .getByRole('group', { name: 'Suggested answers' })
      .getByRole('button', { name: 'A return' })
      .click()
    await expect.poll(() => visitor.texts()).toContain('> A return')
    // An answered question offers nothing more.
    await expect.poll(() => chat.getByRole('button', { name: 'My order' }).count()).toBe(0)
    await botSays(shop, conversationId, {
      type: 'dropdown',
      message: 'Which size?',
      options: [
        { label: 'Small', value: 's' },
        { label: 'Large', value: 'l' },
        { label: `As wide as the wall behind ${'the sofa and '.repeat(20)}`, value: 'xl' },
      ],
    })
    const size = chat.getByLabel('Which size?')
    const confirm = chat.locator('.dropdown').getByRole('button', { name: 'Send' })
    // However long an option is, the question stays within the chat.
    const log = chat.getByRole('region', { name: 'Messages' })
    expect(await log.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
    await size.selectOption('Large')
    await confirm.click()
    await expect.poll(() => visitor.texts()).toContain('> Large')
    // It is answered once, also on the page that is loaded after that.
    await visitor.page.reload()
    await expect.poll(() => size.isDisabled()).toBe(true)
    expect(await size.inputValue()).toBe('1')
    expect(await confirm.isDisabled()).toBe(true)
    await shop.bot.until(() => shop.heard().at(-1)?.payload === 'l')
    expect(shop.heard().slice(-2)).toMatchObject([
      { type: 'quick_reply', text: 'A return', payload: 'return' },
      { type: 'quick_reply', text: 'Large', payload: 'l' },
    ])
  })

  test('an answer grows while the bot edits it, and a deleted message goes', async () => {
    const { visitor, conversationId } = await talk('Tell me about ferns')
    const { client } = shop.site
    const id = await botSays(shop, conversationId, { type: 'text', text: 'Ferns' })
    await visitor.sees('Ferns')
    const words = 'Ferns like shade and soft water'.split(' ')
    for (let count = 2; count <= words.length; count += 1) {
      const text = words.slice(0, count).join(' ')
      expect(
        (await client.call('PATCH', `/messages/${id}`, { payload: { type: 'text', text } })).status,
      ).toBe(200)
    }
    await visitor.sees('Ferns like shade and soft water')
    expect(await visitor.texts()).toEqual(['> Tell me about ferns', 'Ferns like shade and soft water'])
    expect((await client.call('DELETE', `/messages/${id}`)).status).toBeLessThan(300)
    await expect.poll(() => visitor.texts()).toEqual(['> Tell me about ferns'])
  })

  test('files are sent with the button, dropped and pasted, and a picture of the hub is shown', async () => {
    const { visitor } = await talk('Here are files')
    const { chat } = visitor
    const picker = chat.locator('input[type=file]')
    await picker.setInputFiles(
      ['fern', 'wrong'].map((name) => ({ name: `${name}.png`, mimeType: 'image/png', buffer: PNG })),
    )
    // They are shown before they are sent, and can be taken away. The page forbids pictures, so they are painted.
    const files = chat.getByRole('list', { name: 'Files to send' })
    await expect
      .poll(() =>
        files
          .locator('canvas')
          .first()
          .evaluate((canvas) => canvas.clientWidth),
      )
      .toBe(40)
    await visitor.picture('attached')
    expect(await accessibilityFaults(visitor.page)).toEqual([])
    await files.getByRole('button', { name: 'Remove wrong.png' }).click()
    await visitor.write('This is my fern')
    await chat.getByRole('img', { name: 'fern.png' }).waitFor()
    await visitor.sees('This is my fern')
    expect(await files.count()).toBe(0)
    for (const kind of ['drop', 'paste']) {
      await chat.locator('textarea').evaluate((field, name) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File(['how to water'], `${name}.txt`, { type: 'text/plain' }))
        const event =
          name === 'drop'
            ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })
        field.dispatchEvent(event)
      }, kind)
      await files.getByText(`${kind}.txt`).waitFor()
      await visitor.page.keyboard.press('Enter')
      await chat.getByRole('link', { name: `Download ${kind}.txt` }).waitFor()
    }
    await picker.setInputFiles({
      name: 'x.exe',
      mimeType: 'application/x-msdownload',
      buffer: Buffer.from('MZ'),
    })
    await visitor.sees('Files of this type cannot be sent here.')
    await expect
      .poll(() =>
        shop
          .heard()
          .slice(-4)
          .map(({ type }) => type),
      )
      .toEqual(['image', 'text', 'file', 'file'])
  })

  test('a file can be taken back while it is sent', async () => {
    const { visitor } = await talk('Here is a large file')
    const { chat, page } = visitor
    await page.route(/\/uploads$/, () => undefined)
    const asked = page.waitForRequest(/\/uploads$/)
    await attach(visitor, { name: 'large.txt', mimeType: 'text/plain', buffer: Buffer.from('large') })
    await asked
    await visitor.write('Rather not')
    await chat
      .locator('.pending')
      .filter({ hasText: 'large.txt' })
      .getByRole('button', { name: 'Cancel' })
      .click()
    await visitor.conversationOf('Rather not')
    await visitor.sees('Sent')
    expect(await visitor.texts()).toEqual(['> Here is a large file', '> Rather not'])
  })
})

test('a message that the hub refuses says so, and can be removed; the next ones are sent', async () => {
  const { visitor } = await talk('Short')
  const { page, chat } = visitor
  await page.evaluate(() => window.Plugboard?.send('long '.repeat(2_001)))
  await visitor.sees('This message could not be sent.')
  await visitor.write('Short again')
  await visitor.conversationOf('Short again')
  await chat.getByRole('button', { name: 'Try again' }).click()
  await visitor.sees('This message could not be sent.')
  await chat.getByRole('button', { name: 'Remove' }).click()
  await expect.poll(() => visitor.texts()).toEqual(['> Short', '> Short again'])
})

test('a page that allows them shows pictures and plays sound', async () => {
  const path = `/?${['img-src', 'media-src'].map((kind) => `allow=${kind}+HUB`).join('&')}`
  const { visitor } = await talk('Look and listen', { path })
  const { chat } = visitor
  await attach(visitor, { name: 'fern.png', mimeType: 'image/png', buffer: PNG })
  await expect
    .poll(() => chat.getByAltText('fern.png').evaluate((image) => (image as HTMLImageElement).naturalWidth))
    .toBe(8)
  await attach(visitor, { name: 'hello.wav', mimeType: 'audio/wav', buffer: WAV })
  await expect
    .poll(() =>
      chat.getByLabel('hello.wav', { exact: true }).evaluate((audio) => (audio as HTMLAudioElement).duration),
    )
    .toBeCloseTo(0.1)
})

test('earlier messages come page by page, and the reader keeps the place', async () => {
  const { visitor, conversationId } = await talk('Tell me everything')
  const { chat, page } = visitor
  for (let n = 1; n <= 40; n += 1) await botSays(shop, conversationId, { type: 'text', text: `Fact ${n}.` })
  await visitor.sees('Fact 40.')
  await page.reload()
  await visitor.sees('Fact 40.')
  expect((await visitor.texts()).length).toBe(30)
  const log = chat.getByRole('region', { name: 'Messages' })
  await expect
    .poll(async () => {
      // The log scrolls to its end until pictures and fonts are loaded, so test and scroll in one task of the page.
      await log.evaluate((element) => {
        const shown = element.querySelectorAll('.message:not(.greeting)').length
        if (shown === 30) element.scrollTo({ top: 0 })
      })
      return (await visitor.texts()).length
    })
    .toBe(41)
  await expect.poll(async () => (await visitor.texts())[0]).toBe('> Tell me everything')
  expect(await log.evaluate(({ scrollTop }) => scrollTop)).toBeGreaterThan(100)
  expect((await visitor.texts()).slice(1)).toEqual(Array.from({ length: 40 }, (_, n) => `Fact ${n + 1}.`))
  await expect.poll(() => chat.getByRole('button', { name: 'Show earlier messages' }).count()).toBe(0)
})

test('who reads above sees how much came below; who opens the chat again sees the newest', async () => {
  const { visitor, conversationId } = await talk('Anything new?')
  const { chat, page } = visitor
  const text = 'A long story.\n\n'.repeat(30)
  await botSays(shop, conversationId, { type: 'text', text })
  await visitor.sees(/A long story/)
  const log = chat.getByRole('region', { name: 'Messages' })
  const readAbove = (): Promise<void> =>
    expect
      .poll(async () => {
        // The chat may be scrolling to the newest message: try again.
        await log.evaluate((element) => element.scrollTo({ top: 0 }))
        return chat.getByRole('button', { name: 'Go to the newest message', exact: true }).isVisible()
      })
      .toBe(true)
  await readAbove()
  for (const news of ['First.', 'Second.']) await botSays(shop, conversationId, { type: 'text', text: news })
  const newest = chat.getByRole('button', { name: 'Go to the newest message. Unread: 2' })
  await newest.waitFor()
  expect(await log.evaluate(({ scrollTop }) => scrollTop)).toBe(0)
  expect(await accessibilityFaults(page)).toEqual([])
  await newest.click()
  await expect.poll(() => newest.count()).toBe(0)

  await readAbove()
  await page.evaluate(() => window.Plugboard?.close())
  await botSays(shop, conversationId, { type: 'text', text: 'While you were away.' })
  await page.getByRole('button', { name: 'Open chat (1)' }).click()
  const last = chat.getByText('While you were away.').last()
  await expect
    .poll(async () => {
      const [shown, at] = await Promise.all([log.boundingBox(), last.boundingBox()])
      return shown && at ? at.y + at.height <= shown.y + shown.height : false
    })
    .toBe(true)
})

test('a new message does not scroll down a reader who scrolled up before the browser fired the event', async () => {
  const { visitor, conversationId } = await talk('Anything else?')
  await botSays(shop, conversationId, { type: 'text', text: 'A long story.\n\n'.repeat(30) })
  await visitor.sees(/A long story/)
  const log = visitor.chat.getByRole('region', { name: 'Messages' })
  await log.evaluate((element) => {
    element.getRootNode().addEventListener('scroll', (event) => event.stopPropagation(), { capture: true })
    element.scrollTo({ top: 0 })
  })
  await botSays(shop, conversationId, { type: 'text', text: 'The end.' })
  await visitor.sees('The end.')
  expect(await log.evaluate(({ scrollTop }) => scrollTop)).toBe(0)
})

test('thumbs tell the business whether an answer helped', async () => {
  const { visitor, conversationId } = await talk('How much water?')
  await botSays(shop, conversationId, { type: 'text', text: 'A little.' })
  const thumb = visitor.chat.getByRole('button', { name: 'Helpful', exact: true })
  await thumb.click()
  expect(await thumb.getAttribute('aria-pressed')).toBe('true')
  await shop.bot.until(() => shop.bot.ofType('message.feedback').length > 0)
  expect(shop.bot.ofType('message.feedback').at(-1)?.json.data.feedback).toBe(1)
})

test('a chat ends, can be downloaded, and another begins; both are in the list', async () => {
  const { visitor, conversationId } = await talk('Goodbye')
  const { page, chat } = visitor
  await botSays(shop, conversationId, { type: 'text', text: 'See you!' })
  await visitor.sees('See you!')
  const menu = chat.getByRole('button', { name: 'Menu' })
  await menu.click()
  const downloads = page.waitForEvent('download')
  await chat.getByRole('button', { name: 'Download transcript' }).click()
  const transcript = await (await downloads).createReadStream()
  expect(Buffer.concat(await transcript.toArray()).toString()).toContain('See you!')
  await menu.click()
  await chat.getByRole('button', { name: 'End chat' }).click()
  await visitor.sees('End this chat?')
  await chat.getByRole('button', { name: 'End chat' }).click()
  await visitor.sees('This chat has ended.')
  await chat.getByRole('button', { name: 'Start a new chat' }).click()
  await visitor.write('Hello again')
  expect(await visitor.conversationOf('Hello again')).not.toBe(conversationId)
  await menu.click()
  await chat.getByRole('button', { name: 'Your chats' }).click()
  const list = chat.getByRole('navigation', { name: 'Your chats' })
  await list.getByText('See you!').waitFor()
  await visitor.picture('list')
  expect(await accessibilityFaults(page)).toEqual([])
  await list.getByText('See you!').click()
  await visitor.sees('This chat has ended.')
  expect(await visitor.texts()).toEqual(['> Goodbye', 'See you!'])
})
