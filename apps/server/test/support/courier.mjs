/** A channel of the tests, in plain JavaScript as a third party's: its provider is a local HTTP server, `apiUrl`. */
const validate = (fields) => (value) => {
  const missing = fields.filter((name) => typeof value?.[name] !== 'string')
  return missing.length > 0
    ? { issues: missing.map((name) => ({ message: 'is required', path: [name] })) }
    : { value }
}
const schema = (fields) => ({ '~standard': { version: 1, vendor: 'test', validate: validate(fields) } })

class ProviderError extends Error {
  constructor(status, retryAfterMs) {
    super(`the provider answered ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

function load({ options: { apiUrl, appSecret, refreshes } }, { name }) {
  const call = async (path, { integration, signal }, body) => {
    const response = await fetch(apiUrl + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${integration.config.token}` },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw new ProviderError(response.status, Number(response.headers.get('retry-after') ?? 0) * 1000)
    }
    return response
  }
  const post = async (path, context, body) => {
    const response = await call(path, context, body)
    await response.arrayBuffer()
  }
  /** Gets a new session for the old one. */
  const refresh = async (context) => {
    const known = await context.state.read({ isFresh: true })
    const response = await call('/refresh', context, { session: known?.value.session })
    const { session, againInMs } = await response.json()
    await context.state.write({ session }, known?.version)
    return againInMs === undefined ? undefined : { again: new Date(Date.now() + againInMs) }
  }
  return {
    connect: () => undefined,
    verify: ({ headers }, { config }) =>
      headers['x-courier-token'] === config.token ? { ok: true } : { ok: false, reason: 'mismatch' },
    parse: ({ body }, { config }) => ({
      events: JSON.parse(Buffer.from(body).toString())
        // In a shared request, each event names its account.
        .filter(({ account = config.account }) => account === config.account)
        .map(({ account: _, ...event }) => ({
          endpoint: { identity: '*', sender: 'ada', thread: '*' },
          ...event,
          ...(event.until && { until: new Date(event.until) }),
          at: event.at ? new Date(event.at) : new Date(),
        })),
      response: { status: 200, body: 'thanks' },
    }),
    route({ headers, body }) {
      if (appSecret === undefined) return undefined
      if (headers['x-courier-app'] !== appSecret)
        return { verdict: { ok: false, reason: 'mismatch' }, accounts: [] }
      const accounts = JSON.parse(Buffer.from(body).toString()).map(({ account }) => account)
      return { verdict: { ok: true }, accounts }
    },
    ...(refreshes && { refresh }),
    render: (content) => [{ call: 'send', args: content }],
    secondForm: ({ call, args }) =>
      args.image ? { call, args: { type: 'text', text: args.image } } : undefined,
    async deliver({ args }, context) {
      const { endpoint, deliveryId, context: known } = context
      const { value } = (await context.state.read()) ?? {}
      const body = { content: args, endpoint, deliveryId, context: known, session: value?.session }
      const response = await call('/send', context, body)
      const { id } = await response.json()
      return { providerMessageIds: id ? [id] : [] }
    },
    async deliverBatch(parts, context) {
      const contents = parts.map(({ args }) => args)
      await post('/batch', context, { contents, deliveryId: context.deliveryId })
      return parts.map(() => ({ providerMessageIds: [] }))
    },
    classify(error) {
      const { status, message, retryAfterMs } = error
      if (status === 401) return { kind: 'auth', message, field: 'token' }
      if (status === 403) return { kind: 'recipient', message }
      if (status === 404) return { kind: 'invalid', message }
      if (status === 429) return { kind: 'rate-limited', message, scope: 'endpoint', retryAfterMs }
      return { kind: 'transient', message: error.cause?.code ?? message }
    },
    check: (context) => post('/check', context, {}),
    provision: (context) => post('/provision', context, { webhookUrl: context.webhookUrl }),
    unprovision: (context) => post('/unprovision', context, {}),
    async openMedia(ref, context) {
      const response = await call(`/files/${ref}`, context)
      const { headers, body } = response
      const size = headers.get('x-size')
      return { body, mime: headers.get('content-type'), ...(size && { size: Number(size) }) }
    },
    ...(name === 'clerk' && changes(post)),
    indicateTyping: (context) => post('/typing', context, {}),
  }
}

/** What only one of them can: to change what it sent, and to show that it was read. */
const changes = (post) => ({
  async edit({ providerMessageIds: [id] }, { args }, context) {
    await post('/edit', context, { id, content: args, deliveryId: context.deliveryId })
    return { providerMessageIds: [] }
  },
  remove: ({ providerMessageIds: [id] }, context) => post('/remove', context, { id }),
  markRead: (context) => post('/read', context, { endpoint: context.endpoint }),
})

export const courier = (members) =>
  Object.defineProperty(
    {
      contract: 1,
      version: '1.0.0',
      config: schema(['token', 'account']),
      options: schema(['apiUrl']),
      secrets: ['token'],
      account: ({ account }) => account,
      setup: (webhookUrl) => `Tell the courier to call ${webhookUrl}`,
      load: async (host) => load(host, members),
      ...members,
    },
    Symbol.for('plugboard.channel'),
    { value: '1.0.0' },
  )
