import type { Body, User } from './payloads.js'

/** Mentions and emoji in Discord's own form. https://docs.discord.com/developers/reference#message-formatting */
const FORM = /<(?:@!?(\d{1,20})|a?:(\w{1,40}):\d{1,20}|\/([^<>:\n]{1,110}):\d{1,20})>/g

/** The name that people see, from the server or from the account. */
export const nameOf = (user?: User | null, nick?: string | null): string | undefined =>
  nick || user?.global_name || user?.username || undefined

/**
 * The text of a message as a person reads it: people by name, emoji as `:name:`, commands as `/name`. Channels, roles and
 * times stay in Discord's form, because a message does not name them.
 */
export function readable({ content, mentions }: Pick<Body, 'content' | 'mentions'>): string {
  const names = new Map(
    (mentions ?? []).map(({ member, ...user }) => [user.id, nameOf(user, member?.nick)] as const),
  )
  return (content ?? '').replace(FORM, (whole, user?: string, emoji?: string, command?: string) => {
    if (emoji !== undefined) return `:${emoji}:`
    if (command !== undefined) return `/${command}`
    const name = user === undefined ? undefined : names.get(user)
    return name === undefined ? whole : `@${name}`
  })
}

/** A text without the mention of the bot at its start, unless it says nothing else. */
export function withoutMention(content: string, self: string): string {
  const [mention = '', user] = /^\s*<@!?(\d{1,20})>[\s:,]*/.exec(content) ?? []
  return user === self && mention.length < content.length ? content.slice(mention.length) : content
}
