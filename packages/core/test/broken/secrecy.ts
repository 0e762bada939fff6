import { type Change, config } from '../sound-channel.js'

/** Secrets that get out. */
export const secrecy: Record<string, Change[]> = {
  'no secret is in what the check of a configuration says': [
    {
      definition: {
        config: config.refine(() => false, { error: ({ input }) => `not ${Object(input).token}` }),
      },
      fixtures: { invalidConfigs: { 'no url': { url: 'http://a', token: 'token-of-carol' } } },
    },
  ],
  'no secret is in an event, a part, a log line, an error or a failure': [
    {
      runtime: (s, { logger }) => ({
        deliver(p, c) {
          logger.debug({ session: c.integration.session }, 'delivering')
          return s.deliver(p, c)
        },
      }),
    },
    {
      runtime: (s) => ({
        deliver: (p, c) =>
          s.deliver(p, c).catch((cause) => {
            throw new Error('failed', {
              cause: new Error(`GET /bot${c.integration.config.token}`, { cause }),
            })
          }),
      }),
    },
    {
      runtime: (s) => ({
        parse: (r, i) => ({ ...s.parse(r, i), response: { status: 200, body: i.config.token } }),
      }),
    },
  ],
}
