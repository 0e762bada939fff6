import {
  type InboundContent,
  isStorable,
  type JsonObject,
  type MediaRef,
  type Person,
  truncate,
} from '@plugboard/core'
import { fileNameOf } from '../files/file-name.js'

/** Maximum length of a stored text about a person. */
const MAX_TEXT = 200

/** The payload of inbound content: with the URL of a file instead of its reference. */
export function payloadOf(content: InboundContent, urlOf: (media: MediaRef) => string): JsonObject {
  const { type, media, ...rest } = content
  if (!media) return { type, ...rest }
  const { mime, size } = media
  const name = fileNameOf(media.name)
  return {
    type,
    url: urlOf(media),
    ...(mime !== undefined && { mime }),
    ...(size !== undefined && { size }),
    ...(name !== undefined && { name }),
    ...rest,
  }
}

/** The stored data of a person; undefined if there is none. `verified` names the fields that the provider vouches for. */
export function userDataOf({
  name,
  locale,
  email,
  phone,
  verified = [],
}: Person = {}): Record<string, string> | undefined {
  const known = Object.entries({ name, locale, email, phone }).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' && value !== '' && isStorable(value) ? [[key, truncate(value, MAX_TEXT)]] : [],
  )
  if (known.length === 0) return undefined
  const data = Object.fromEntries(known)
  const vouched = verified.filter((field) => Object.hasOwn(data, field))
  return vouched.length > 0 ? { ...data, verified: vouched.join(' ') } : data
}
