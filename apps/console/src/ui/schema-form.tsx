import type { JSX } from 'preact'
import type { ApiError } from '../api/request.js'
import type { ConfigSchema } from '../api/wire.js'
import { CheckField, SelectField, TextField } from './fields.js'
import { faultOf } from './form-failure.js'
import { labelOf, type Texts } from './schema-values.js'

interface SchemaFormProps {
  schema: ConfigSchema
  secrets: readonly string[]
  /** Members that are needed beside those that the schema requires. */
  needed?: readonly string[]
  values: Texts
  change(values: Texts): void
  /** Names the fields that were not accepted. */
  error?: ApiError | undefined
  /** Secrets that the server has: an empty field keeps them. */
  kept?: readonly string[]
}

/** Fields for the members of a JSON schema, first those that are needed. The values are texts until they are sent. */
export function SchemaFields(props: SchemaFormProps): JSX.Element {
  const { schema, needed = [], error } = props
  const names = Object.keys(schema.properties ?? {})
  const isFirst = (name: string) => (schema.required?.includes(name) ?? false) || needed.includes(name)
  const first = names.filter(isFirst)
  const more = names.filter((name) => !isFirst(name))
  const hasFault = more.some((name) => faultOf(error, name) !== undefined)
  const isSet = more.some((name) => (props.values[name] ?? '') !== '')
  return (
    <>
      {first.map((name) => (
        <Member key={name} name={name} {...props} />
      ))}
      {more.length > 0 && (
        <details open={first.length === 0 || hasFault || isSet}>
          <summary>{first.length === 0 ? 'Settings' : 'More settings'}</summary>
          <div class="stack">
            {more.map((name) => (
              <Member key={name} name={name} {...props} />
            ))}
          </div>
        </details>
      )}
    </>
  )
}

function Member({
  name,
  schema,
  secrets,
  needed = [],
  values,
  change,
  error,
  kept = [],
}: SchemaFormProps & { name: string }): JSX.Element {
  const property = schema.properties?.[name] ?? {}
  const value = values[name] ?? ''
  const set = (text: string) => change({ ...values, [name]: text })
  const isSecret = secrets.includes(name)
  const isKept = kept.includes(name)
  const isRequired = schema.required?.includes(name) ?? false
  const common = {
    label: labelOf(name, property) + (isRequired || needed.includes(name) ? '' : ' (optional)'),
    hint: hintOf(property, isKept),
    fault: faultOf(error, name),
  }
  if (property.type === 'boolean')
    return (
      <CheckField
        label={common.label}
        hint={common.hint}
        isOn={value === 'true'}
        change={(isOn) => set(String(isOn))}
      />
    )
  if (property.enum)
    return (
      <SelectField
        {...common}
        value={value}
        change={set}
        options={[['', 'Default'], ...property.enum.map((each) => [String(each), String(each)] as const)]}
      />
    )
  const type = isSecret ? 'password' : isNumber(property) ? 'number' : 'text'
  return (
    <TextField
      {...common}
      value={value}
      change={set}
      isRequired={isRequired && !isKept}
      {...(isLong(property) ? { lines: 3 } : { type })}
      {...(isSecret && { autocomplete: 'new-password', placeholder: isKept ? '•••••••• kept' : '' })}
    />
  )
}

const isNumber = ({ type }: ConfigSchema): boolean => type === 'number' || type === 'integer'

/** Lists have an item per line, and what has members of its own is JSON. */
const isLong = ({ type }: ConfigSchema): boolean =>
  type !== 'string' && type !== 'number' && type !== 'integer'

function hintOf(property: ConfigSchema, isKept: boolean): string {
  const { description, type, items, default: preset } = property
  const isList = type === 'array' && items?.type === 'string'
  return [
    description,
    isKept ? 'Empty keeps the present one.' : undefined,
    isList ? 'One per line.' : undefined,
    isLong(property) && !isList && type !== 'boolean' && !property.enum ? 'As JSON.' : undefined,
    preset !== undefined && typeof preset !== 'object' ? `Default: ${preset}` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}
