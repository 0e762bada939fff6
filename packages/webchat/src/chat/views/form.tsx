import { useId, useState } from 'preact/hooks'
import type { FormField, WebChatConfig } from '../../config.js'
import type { Notice } from '../state.js'
import { noticeOf } from './bubble.js'
import { useView } from './view.js'

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** What the business wants to know before the chat. */
export function Form({ config, notice }: { config: WebChatConfig; notice: Notice | undefined }) {
  const { chat, words } = useView()
  const [values, setValues] = useState<Record<string, string>>({})
  const [isChecked, setChecked] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const id = useId()
  const fields = config.form?.fields ?? []

  const problemOf = ({ name, type, isRequired }: FormField): string | undefined => {
    const value = values[name]?.trim() ?? ''
    if (value === '') return isRequired ? words.required : undefined
    return type === 'email' && !EMAIL.test(value) ? words.invalidEmail : undefined
  }
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setChecked(true)
    const wrong = fields.findIndex((field) => problemOf(field) !== undefined)
    if (wrong >= 0) return form.querySelectorAll('input')[wrong]?.focus()
    setBusy(true)
    const filled = Object.entries(values).filter(([, value]) => value.trim() !== '')
    await chat.submitForm(Object.fromEntries(filled))
    setBusy(false)
  }
  return (
    <form
      class="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        void submit(event.currentTarget)
      }}
    >
      {config.greeting && <p dir="auto">{config.greeting}</p>}
      <h2>{words.formTitle}</h2>
      {fields.map((field) => {
        const { name, label, type, isRequired } = field
        const problem = isChecked ? problemOf(field) : undefined
        return (
          <div class="field">
            <label for={`${id}-${name}`}>
              {label}
              {isRequired && <span aria-hidden="true"> *</span>}
            </label>
            <input
              id={`${id}-${name}`}
              // The types allow `list` only beside a single type.
              {...({ type } as { type: 'text' })}
              autoComplete={{ email: 'email', tel: 'tel', text: name === 'name' ? 'name' : 'on' }[type]}
              required={isRequired}
              aria-invalid={problem !== undefined}
              aria-describedby={problem && `${id}-${name}-problem`}
              value={values[name] ?? ''}
              onInput={({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })}
            />
            {problem && (
              <span id={`${id}-${name}-problem`} class="alarm">
                {problem}
              </span>
            )}
          </div>
        )
      })}
      {notice && (
        <p class="alarm" role="alert">
          {noticeOf(notice, words)}
        </p>
      )}
      <button type="submit" class="primary" disabled={isBusy}>
        {words.formStart}
      </button>
    </form>
  )
}
