import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ClientMetadata, Provider } from 'oidc-provider'

/** Somebody with an account at the provider. */
export interface Person {
  sub: string
  email?: string
  email_verified?: boolean
  name?: string
  groups?: string[]
}

export const CLIENT = { id: 'plugboard', secret: 'the secret of plugboard at the provider' }

const HTML = { 'content-type': 'text/html; charset=utf-8' }

/** How long anything lasts, in seconds. */
const TTL = 600

/** A certified provider of OpenID Connect on this machine, where a person signs in by saying who it is. */
export class IdentityProvider {
  readonly url: string
  readonly people = new Map<string, Person>()
  readonly #server: ReturnType<typeof createServer>

  private constructor(url: string, server: ReturnType<typeof createServer>) {
    this.url = url
    this.#server = server
  }

  /** `redirectUris`: where it sends those who have signed in; others are refused. */
  static async start(redirectUris: string[]): Promise<IdentityProvider> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const self = new IdentityProvider(url, server)
    const client: ClientMetadata = {
      ...{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: redirectUris },
      ...{ grant_types: ['authorization_code'], response_types: ['code'] },
    }
    const provider = new Provider(url, {
      clients: [client],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
      scopes: ['openid', 'email', 'profile', 'groups'],
      pkce: { required: () => true },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, { uid }) => `/interaction/${uid}` },
      cookies: { keys: ['a key of this test'] },
      ttl: { AccessToken: TTL, Grant: TTL, IdToken: TTL, Interaction: TTL, Session: TTL },
      findAccount: (_, sub) => {
        const person = self.people.get(sub)
        return person && { accountId: sub, claims: () => ({ ...person }) }
      },
    })
    const handle = provider.callback()
    server.on('request', (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', url)
      if (!pathname.startsWith('/interaction/')) return void handle(request, response)
      self
        .#interact(provider, request, response, searchParams.get('as'))
        .catch(() => response.writeHead(500).end())
    })
    return self
  }

  async #interact(
    provider: Provider,
    request: Parameters<Provider['interactionDetails']>[0],
    response: Parameters<Provider['interactionDetails']>[1],
    sub: string | null,
  ): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response)
    if (sub === 'nobody') return provider.interactionFinished(request, response, { error: 'access_denied' })
    if (prompt.name === 'login' && sub !== null)
      return provider.interactionFinished(request, response, { login: { accountId: sub } })
    if (prompt.name !== 'consent') return void response.writeHead(200, HTML).end(this.#page())
    const grant = new provider.Grant({
      accountId: session?.accountId ?? '',
      clientId: String(params.client_id),
    })
    grant.addOIDCScope(String(params.scope))
    const consent = { grantId: await grant.save() }
    return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
  }

  /** Where a person says who it is. */
  #page(): string {
    const links = [...this.people].map(
      ([sub, { email = sub }]) => `<li><a href="?as=${sub}">${email}</a></li>`,
    )
    return `<!doctype html><title>Example</title><h1>Who are you?</h1><ul>${links.join('')}</ul>`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The cookies of a browser, by server. */
export class CookieJar {
  readonly #cookies = new Map<string, Map<string, string>>()

  /** One request, without following where it leads. */
  async get(url: string): Promise<Response> {
    const { host } = new URL(url)
    const cookies = this.#cookies.get(host) ?? new Map<string, string>()
    this.#cookies.set(host, cookies)
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  of(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).host)?.get(name)
  }

  /** Goes on as a browser does, and signs in at the provider as this person. Stops at `until`. */
  async follow(start: string, as: string, until: (url: URL) => boolean): Promise<string> {
    let url = start
    for (let steps = 0; steps < 20; steps += 1) {
      if (until(new URL(url))) return url
      const response = await this.get(url)
      const next = response.headers.get('location')
      if (next === null) throw new Error(`${response.status} at ${url}: ${await response.text()}`)
      const place = new URL(next, url)
      if (place.pathname.startsWith('/interaction/')) place.searchParams.set('as', as)
      url = place.href
    }
    throw new Error('too many redirects')
  }
}
