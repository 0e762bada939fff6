import { z } from 'zod'
import { type Change, fixtures, type Runtime } from '../sound-channel.js'

const textOf = (args: unknown): string => z.object({ text: z.string().catch('') }).parse(args).text
let drifting = 0

const batchOf = (sound: Runtime, ...args: Parameters<NonNullable<Runtime['deliverBatch']>>) =>
  sound.deliverBatch?.(...args) ?? Promise.resolve([])

/** Renders contents of some types too slowly, where they are long. */
const slowly =
  (sound: Runtime, isSlow: (content: Parameters<Runtime['render']>[0]) => boolean): Runtime['render'] =>
  (content, endpoint) => {
    // In microseconds of the processor, which others may have for most of the time.
    const enough = isSlow(content) ? JSON.stringify(content).length / 2.4 : 0
    const before = process.cpuUsage()
    for (let used = 0; used < enough; ) {
      const { user, system } = process.cpuUsage(before)
      used = user + system
    }
    return sound.render(content, endpoint)
  }

/** What goes out: render, deliver and classify. */
export const outbound: Record<string, Change[]> = {
  'render makes parts of plain JSON of each content type': [
    { runtime: () => ({ render: () => [] }) },
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { title: `${content.title}` } }] }) },
    { runtime: (s) => ({ render: (c, e) => s.render(Object.assign(c, { seen: true }), e) }) },
  ],
  'render makes parts of plain JSON of whatever core makes of any payload': [
    { runtime: (s) => ({ render: (c, e) => s.render({ ...c, seen: `${c}` }, e) }) },
  ],
  'render gives the same parts each time': [
    { runtime: () => ({ render: () => [{ call: 'send', args: { id: drifting++ } }] }) },
  ],
  'render keeps the longest text in parts within the limit': [
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { text: `${content.text}!` } }] }) },
    { runtime: () => ({ render: () => [{ call: 'send', args: { text: '' } }] }) },
  ],
  'render takes as many buttons, with labels as long, as the channel says': [
    { runtime: () => ({ render: (content) => [{ call: 'send', args: { text: String(content.text) } }] }) },
  ],
  'render holds the thread for 50 ms at most, whatever the text': [
    { runtime: (s) => ({ render: slowly(s, () => true) }) },
  ],
  'render holds the thread for 50 ms at most, whatever the texts in other content': [
    { runtime: (s) => ({ render: slowly(s, ({ type }) => type !== 'text') }) },
  ],
  'deliverBatch shows its parts in one call, and answers with the ids of each': [
    { runtime: () => ({ deliverBatch: async () => [] }) },
    { runtime: (s) => ({ deliverBatch: (ps, c) => Promise.all(ps.map((p) => s.deliver(p, c))) }) },
    { runtime: (s) => ({ deliverBatch: async (ps, c) => (await batchOf(s, ps, c)).slice(1) }) },
    {
      runtime: (s) => ({
        deliverBatch: async (ps, c) => (await batchOf(s, ps, c)).map(() => ({ providerMessageIds: [] })),
      }),
    },
  ],
  'deliverBatch fails as classified, ends when it is aborted, and is repeated with the same key': [
    { runtime: (s) => ({ deliverBatch: (ps, c) => batchOf(s, ps, c).catch(() => []) }) },
    {
      runtime: (s) => ({ deliverBatch: (ps, c) => batchOf(s, ps, { ...c, deliveryId: `${drifting++}` }) }),
    },
    { runtime: (s) => ({ deliverBatch: (ps, c) => batchOf(s, ps, { ...c, deliveryId: 'the same' }) }) },
    {
      runtime: (s) => ({
        deliverBatch: (ps, c) => batchOf(s, ps, { ...c, signal: AbortSignal.timeout(1500) }),
      }),
    },
  ],
  'deliver sends a part with the context of each event, and without one': [
    {
      runtime: (s) => ({
        deliver: async (p, c) => {
          if (!c.context) throw new Error('no context')
          return s.deliver(p, c)
        },
      }),
    },
    {
      runtime: (s) => ({
        deliver: (p, c) => (c.context ? Promise.reject(new Error('a context')) : s.deliver(p, c)),
      }),
    },
  ],
  'deliver shows each part once and answers with the ids that the provider gave': [
    { runtime: () => ({ deliver: async () => ({ providerMessageIds: ['theirs'] }) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, c).then(() => s.deliver(p, c)) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, c).then(() => ({ providerMessageIds: [] })) }) },
  ],
  'deliver shows content at each limit that the channel declares': [
    {
      runtime: (s) => ({
        deliver: async (p, c) => {
          if (textOf(p.args).length >= 60) throw new Error('too long')
          return s.deliver(p, c)
        },
      }),
    },
  ],
  'deliver succeeds where the provider has accepted the part before': [
    {
      runtime: (s) => ({
        deliver: async (p, c) => {
          const sent = await s.deliver(p, c)
          if (sent.providerMessageIds.length === 0) throw new Error('409')
          return sent
        },
      }),
    },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, deliveryId: `${drifting++}` }) }) },
  ],
  'deliver ends within a second when it is aborted': [
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, signal: AbortSignal.timeout(1500) }) }) },
  ],
  'deliver gives a part the same idempotency key at each attempt': [
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, deliveryId: `${drifting++}` }) }) },
    { runtime: (s) => ({ deliver: (p, c) => s.deliver(p, { ...c, deliveryId: textOf(p.args) }) }) },
  ],
  'deliver uses the credentials of the tenant, also when two deliver at once': [
    {
      runtime: (s) => {
        let session = { token: '' }
        return {
          async deliver(part, context) {
            session = context.integration.session
            await new Promise(setImmediate)
            return s.deliver(part, { ...context, integration: { ...context.integration, session } })
          },
        }
      },
    },
  ],
  ...Object.fromEntries(
    Object.entries(fixtures.outcomes).map(([fault, kind]) => [
      `a fault is classified: ${fault}`,
      [
        {
          runtime: () => ({
            classify: () => ({ kind: kind === 'recipient' ? 'auth' : 'recipient', message: 'x' }),
          }),
        },
        { runtime: () => ({ deliver: async () => ({ providerMessageIds: ['theirs'] }) }) },
        {
          runtime: (s: Runtime): Partial<Runtime> => ({
            deliver: (p, c) => s.deliver(p, c).catch(() => s.deliver(p, c)),
            classify: (e) => ({ ...s.classify(e), message: `${Object(e).status}` }),
          }),
        },
      ].slice(0, ['refused', 'hang', 'endless'].includes(fault) ? 2 : 3),
    ]),
  ),
  'classify answers for whatever is thrown': [
    { runtime: () => ({ classify: (error) => ({ kind: 'auth', message: (error as Error).message }) }) },
  ],
  'render keeps the token behind each button whole': [
    {
      runtime: (s) => ({
        render: (c, e) =>
          s.render(c, e).map(({ call, args }) => ({
            call,
            args: JSON.parse(JSON.stringify(args).replace(/"value":"(.{39})./g, '"value":"$1')),
          })),
      }),
    },
  ],
}
