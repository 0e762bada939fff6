import {
  type InboundContent,
  isStorable,
  type JsonObject,
  type MediaRef,
  type Person,
  truncate,
} from '@plugboard/core'
import { fileNameOf } from '../files/file-name.js'

/** Longest text that is kept of a person. */
const MAX_TEXT = 200

/** What the client gets of what a person wrote: the address of a file in place of its reference. */
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

/** What is kept of a person that the provider tells of; undefined when that is nothing. */
export function userDataOf({ name, locale, email, phone }: Person = {}): Record<string, string> | undefined {
  const known = Object.entries({ name, locale, email, phone }).flatMap(([key, value]): [string, string][] =>
    typeof value === 'string' && value !== '' && isStorable(value) ? [[key, truncate(value, MAX_TEXT)]] : [],
  )
  return known.length > 0 ? Object.fromEntries(known) : undefined
}
