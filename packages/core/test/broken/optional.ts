import type { Change, Runtime } from '../sound-channel.js'

let drifting = 0
const nothing = (): void => undefined
const never = Promise.reject(new Error('the sound channel lacks this'))
never.catch(nothing)
const wrong: Runtime['classify'] = () => ({ kind: 'invalid', message: 'no' })
/** The same call by nobody. */
const anonymous = <Context extends { integration: Parameters<Runtime['verify']>[1] }>(
  context: Context,
): Context => ({
  ...context,
  integration: { ...context.integration, session: { token: 'nobody' } },
})

/** The members that a channel need not have. */
export const optional: Record<string, Change[]> = {
  'check passes with credentials that work, fails as classified, and ends when it is aborted': [
    { runtime: () => ({ check: async () => undefined }) },
    { runtime: () => ({ check: () => Promise.reject(new Error('no')) }) },
    { runtime: (s) => ({ check: (c) => s.check?.({ ...c, signal: AbortSignal.timeout(1500) }) ?? never }) },
    { runtime: (s) => ({ check: (c) => s.check?.(c).catch(() => s.check?.(c)) ?? never, classify: wrong }) },
  ],
  'provision and unprovision may be repeated, fail as classified, and end when aborted': [
    { runtime: () => ({ provision: async () => undefined }) },
    {
      runtime: (s) => ({
        unprovision: (c) =>
          drifting++ % 2 ? Promise.reject(new Error('again')) : (s.unprovision?.(c) ?? never),
      }),
    },
  ],
  'refresh may be repeated, fails as classified, ends when aborted, and asks for a later time': [
    { runtime: (s) => ({ refresh: async (c) => (await s.refresh?.(c)) && { again: new Date(0) } }) },
    { runtime: () => ({ refresh: async () => undefined }) },
    {
      runtime: (s) => ({ refresh: (c) => s.refresh?.({ ...c, signal: AbortSignal.timeout(1500) }) ?? never }),
    },
  ],
  'indicateTyping is done with the credentials of the tenant, and ends when it is aborted': [
    { runtime: () => ({ indicateTyping: () => Promise.reject(new Error('no')) }) },
    { runtime: (s) => ({ indicateTyping: (c) => s.indicateTyping?.(anonymous(c)) ?? never }) },
    { runtime: (s) => ({ indicateTyping: (c) => s.indicateTyping?.(c).catch(nothing) ?? never }) },
  ],
  'secondForm makes another part of plain JSON, the same each time, which has no second form': [
    { runtime: () => ({ secondForm: (part) => part }) },
    { runtime: () => ({ secondForm: () => ({ call: 'send', args: { text: `${drifting++}` } }) }) },
    { runtime: () => ({ secondForm: () => ({ call: 'send', args: { text: 'link' } }) }) },
    { runtime: () => ({ secondForm: ({ call }) => ({ call, args: new Date(0) as never }) }) },
  ],
  'edit changes a sent part, and may be repeated, fails as classified, and ends when it is aborted': [
    { runtime: () => ({ edit: async () => ({ providerMessageIds: [] }) }) },
    { runtime: (s) => ({ edit: (p, _, c) => s.edit?.(p, { call: 'send', args: 'x' }, c) ?? never }) },
    { runtime: (s) => ({ edit: (p, part, c) => s.edit?.(p, part, anonymous(c)) ?? never }) },
    {
      runtime: (s) => ({
        edit: (p, part, c) =>
          drifting++ % 2 ? Promise.reject(new Error('again')) : (s.edit?.(p, part, c) ?? never),
      }),
    },
    {
      runtime: (s) => ({
        edit: (p, part, c) => s.edit?.(p, part, { ...c, signal: AbortSignal.timeout(1500) }) ?? never,
      }),
    },
  ],
  'remove takes a sent part away, and may be repeated, fails as classified, and ends when it is aborted': [
    { runtime: () => ({ remove: async () => undefined }) },
    { runtime: (s) => ({ remove: (p, c) => s.remove?.(p, anonymous(c)) ?? never }) },
    { runtime: (s) => ({ remove: (p, c) => s.remove?.(p, c).catch(nothing) ?? never }) },
    {
      runtime: (s) => ({
        remove: (p, c) => s.remove?.(p, { ...c, signal: AbortSignal.timeout(1500) }) ?? never,
      }),
    },
  ],
  'markRead is done with the credentials of the tenant, and ends when it is aborted': [
    { runtime: () => ({ markRead: async () => undefined }) },
    { runtime: (s) => ({ markRead: (c) => s.markRead?.(anonymous(c)) ?? never }) },
    { runtime: (s) => ({ markRead: (c) => s.markRead?.(c).catch(nothing) ?? never }) },
  ],
  'describePerson is done with the credentials of the tenant, and ends when it is aborted': [
    { runtime: () => ({ describePerson: async () => undefined }) },
    { runtime: (s) => ({ describePerson: (e, c) => s.describePerson?.(e, anonymous(c)) ?? never }) },
    {
      runtime: (s) => ({
        describePerson: (e, c) => s.describePerson?.(e, c).catch(() => undefined) ?? never,
      }),
    },
  ],
  'openMedia gives the file, with the credentials of the tenant': [
    { runtime: (s) => ({ openMedia: (_, c) => s.openMedia?.('another', c) ?? never }) },
    { runtime: (s) => ({ openMedia: (r, c) => s.openMedia?.(r, anonymous(c)) ?? never }) },
    {
      runtime: (s) => ({
        openMedia: async (r, c) => ({ ...(await (s.openMedia?.(r, c) ?? never)), size: 1 }),
      }),
    },
  ],
  'openMedia sends no credentials to where a forged reference points': [
    {
      runtime: (_, { fetch }) => ({
        async openMedia(ref, { integration, signal }) {
          const headers = { authorization: `Bearer ${integration.config.token}` }
          const { body } = await fetch(`${ref}`, { headers, signal })
          return { body: body as NonNullable<typeof body> }
        },
      }),
    },
  ],
  'account is text, the same each time, and holds no secret': [
    { definition: { account: ({ token }) => `bot of ${token}` } },
    { definition: { account: () => '' } },
    { definition: { account: () => `${drifting++}` } },
  ],
  'setup says what to do, with the address where the provider calls': [
    { definition: { setup: () => 'Do something' } },
  ],
}
