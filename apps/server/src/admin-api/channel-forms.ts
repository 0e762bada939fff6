import { type Channel, isJsonObject, type JsonObject, jsonObjectOf } from '@plugboard/core'

const TARGET = 'draft-2020-12'

const forms = new WeakMap<Channel, JsonObject>()

/**
 * The JSON schema (2020-12) of the configuration of a channel, for forms: each member has a title, and secrets are
 * `writeOnly`. Empty if the schema library of the channel cannot describe it.
 */
export function formOf(channel: Channel): JsonObject {
  const known = forms.get(channel)
  if (known) return known
  const form = described(channel)
  forms.set(channel, form)
  return form
}

function described({ config, secrets }: Channel): JsonObject {
  const schema = jsonSchemaOf(config)
  const { properties } = schema
  if (!isJsonObject(properties)) return schema
  for (const [name, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue
    property.title ??= labelOf(name)
    if (secrets.includes(name)) property.writeOnly = true
  }
  return schema
}

/** By the Standard JSON Schema of the library (https://standardschema.dev/json-schema). */
function jsonSchemaOf(schema: Channel['config']): JsonObject {
  const { '~standard': standard } = schema
  if (!hasConverter(standard)) return {}
  try {
    const options = { target: TARGET, libraryOptions: { unrepresentable: 'any' } }
    return jsonObjectOf(standard.jsonSchema.input(options))
  } catch {
    return {}
  }
}

/** The part of the standard that is needed. */
interface Converter {
  jsonSchema: { input(options: { target: string; libraryOptions: object }): unknown }
}

const hasConverter = (standard: object): standard is Converter =>
  'jsonSchema' in standard &&
  typeof standard.jsonSchema === 'object' &&
  standard.jsonSchema !== null &&
  'input' in standard.jsonSchema &&
  typeof standard.jsonSchema.input === 'function'

/** The name of a channel for people. */
export const titleOf = ({ title, name }: Pick<Channel, 'title' | 'name'>): string =>
  title ?? capitalized(name.replaceAll('-', ' '))

const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** `accountSID` as "Account SID". */
function labelOf(name: string): string {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').split(' ')
  return capitalized(words.map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase())).join(' '))
}
