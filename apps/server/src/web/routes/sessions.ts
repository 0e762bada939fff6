import { isStorable, toUuid } from '@plugboard/core'
import { z } from 'zod'
import { fewMembers } from '../../dialects/bounded-schemas.js'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import { formOf } from '../site-config.js'
import type { Opened } from '../visitors.js'

/** A token in a body has at most this many characters: servers take 16 kB of headers. */
const MAX_TOKEN = 8_192
const MAX_VALUE = 200

const token = z.string().min(1).max(MAX_TOKEN)

const openBody = z.strictObject({
  token: token.optional().describe('Of a known customer: a JWT that the site has signed.'),
  guest: token
    .optional()
    .describe('The token that this browser had before: its guest goes on, or becomes the customer.'),
  language: z
    .string()
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/, 'must be a language such as en or pt-BR')
    .optional()
    .describe('Of a new guest.'),
})

const sessionSchema = z.object({
  userId: z.guid(),
  token: z.string(),
  expiresAt: z.iso.datetime(),
  isGuest: z.boolean(),
})

const profileBody = z.strictObject({
  form: fewMembers(
    z
      .string()
      .max(MAX_VALUE, `must have at most ${MAX_VALUE} characters`)
      .refine(isStorable, 'must not contain NUL or half of a surrogate pair'),
    20,
  ).describe('Values of the fields of the form, by name.'),
})

const sessionJson = ({ session, token }: Opened): z.infer<typeof sessionSchema> => ({
  userId: toUuid(session.userId),
  token,
  expiresAt: session.expiresAt.toISOString(),
  isGuest: session.customer === undefined,
})

/** Who visits. */
export function sessionRoutes(scope: Scope): void {
  const { hub, visitors } = scope
  defineRoute(scope, {
    isOpen: true,
    method: 'POST',
    path: '/sessions',
    operationId: 'webOpenSession',
    summary: 'Start as a new guest, go on as one, or sign in as a known customer',
    body: openBody,
    response: sessionSchema,
    handle: async ({ site, origin, request, body: { token, guest, language } }) =>
      sessionJson(await visitors.open({ site, origin, request }, { token, known: guest, language })),
  })
  defineRoute(scope, {
    method: 'DELETE',
    path: '/session',
    operationId: 'webCloseSession',
    summary: 'Sign out: the tokens of the session are not good any more',
    status: 204,
    handle: ({ visitor }) => visitors.end(visitor),
  })
  defineRoute(scope, {
    method: 'PATCH',
    path: '/me',
    operationId: 'webUpdateProfile',
    summary: 'What the visitor wrote into the form before the chat',
    body: profileBody,
    status: 204,
    handle: async ({ site, visitor, body }) => {
      const values = formOf(site.config, body.form)
      const { data, facts } = await hub.users.view(site.client, visitor.userId)
      const known = facts.data ?? data ?? {}
      // A customer's own words never replace what the site vouched for.
      const isGuest = visitor.customer === undefined
      await hub.users.setData(
        site.client,
        visitor.userId,
        isGuest ? { ...known, ...values } : { ...values, ...known },
      )
    },
  })
}
