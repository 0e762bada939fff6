import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'
import { Marked } from './marked.js'

interface FieldProps {
  label: string
  hint?: ComponentChildren
  /** Why its value was not accepted. */
  fault?: string | undefined
  children: (attributes: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => JSX.Element
  class?: string
}

/** A labelled control, with its help and what is wrong with it. */
export function Field({ label, hint, fault, children, class: className = '' }: FieldProps): JSX.Element {
  const id = useId()
  const described = [...(hint ? [`${id}-hint`] : []), ...(fault ? [`${id}-fault`] : [])]
  return (
    <div class={`field ${className}`}>
      <label for={id}>{label}</label>
      {children({
        id,
        ...(described.length > 0 && { 'aria-describedby': described.join(' ') }),
        ...(fault !== undefined && { 'aria-invalid': true }),
      })}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {typeof hint === 'string' ? <Marked text={hint} /> : hint}
        </p>
      )}
      {fault && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  )
}

type Simple = Omit<FieldProps, 'children'>

interface TextProps extends Simple {
  value: string
  change(value: string): void
  type?: 'text' | 'password' | 'email' | 'url' | 'number' | 'datetime-local'
  name?: string
  autocomplete?: string
  placeholder?: string
  isRequired?: boolean
  lines?: number
  isFocused?: boolean
}

export function TextField({
  value,
  change,
  type = 'text',
  isRequired = false,
  isFocused = false,
  lines,
  name,
  autocomplete,
  placeholder,
  ...field
}: TextProps): JSX.Element {
  const own = {
    value,
    required: isRequired,
    spellcheck: false,
    ...(name !== undefined && { name }),
    ...(placeholder !== undefined && { placeholder }),
    ...(isFocused && { autofocus: true }),
    onInput: (event: Event & { currentTarget: { value: string } }) => change(event.currentTarget.value),
  }
  return (
    <Field {...field}>
      {(attributes) =>
        lines === undefined ? (
          <input {...attributes} {...own} {...typed(type)} autocomplete={autocomplete ?? 'off'} />
        ) : (
          <textarea {...attributes} {...own} rows={lines} />
        )
      }
    </Field>
  )
}

export function SelectField({
  value,
  change,
  options,
  ...field
}: Simple & {
  value: string
  change(value: string): void
  /** Value and label. */
  options: readonly (readonly [string, string])[]
}): JSX.Element {
  return (
    <Field {...field}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => change(event.currentTarget.value)}>
          {options.map(([key, label]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

export function CheckField({
  label,
  hint,
  isOn,
  change,
}: {
  label: string
  hint?: string
  isOn: boolean
  change(isOn: boolean): void
}): JSX.Element {
  const id = useId()
  return (
    <div class="field">
      <div class="check">
        <input
          type="checkbox"
          id={id}
          checked={isOn}
          {...(hint && { 'aria-describedby': `${id}-hint` })}
          onChange={(event) => change(event.currentTarget.checked)}
        />
        <label for={id}>{label}</label>
      </div>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {typeof hint === 'string' ? <Marked text={hint} /> : hint}
        </p>
      )}
    </div>
  )
}

/** The types of Preact know an element per `type`, so they take no variable. */
const typed = (type: string): object => ({ type })
