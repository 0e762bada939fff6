import { useId, useState } from 'preact/hooks'
import type { Choice, Content } from '../content.js'
import { elsewhere } from '../links.js'
import { Cards } from './cards.js'
import { Icon } from './icons.js'
import { Prose } from './markdown.js'
import { Media } from './media.js'
import { useView } from './view.js'

interface ContentProps {
  content: Content
  messageId: string
  /** What the visitor has chosen of it. */
  answer?: string | undefined
}

/** What a message says or shows. */
export function ContentView({ content, messageId, answer }: ContentProps) {
  const { words } = useView()
  switch (content.type) {
    case 'text':
      return <Prose {...content} />
    case 'media':
      return <Media content={content} />
    case 'location':
      return <Place content={content} />
    case 'cards':
      return <Cards cards={content.cards} messageId={messageId} />
    case 'dropdown':
      return <Dropdown content={content} messageId={messageId} answer={answer} />
    case 'unknown':
      return <p class="prose quiet">{words.unknown}</p>
  }
}

function Place({ content }: { content: Extract<Content, { type: 'location' }> }) {
  const { words } = useView()
  const { latitude, longitude, title, address } = content
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`
  return (
    <a class="place" href={map} {...elsewhere}>
      <Icon name="place" />
      <span>
        <strong dir="auto">{title ?? words.location}</strong>
        <span class="quiet" dir="auto">
          {address ?? `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`}
        </span>
        <span class="action">{words.openMap}</span>
      </span>
    </a>
  )
}

type DropdownProps = ContentProps & { content: Extract<Content, { type: 'dropdown' }> }

/** A question that is answered once. */
function Dropdown({ content: { text, isMarkdown, options }, messageId, answer }: DropdownProps) {
  const { chat, words } = useView()
  const [chosen, setChosen] = useState('')
  const id = useId()
  const option = options[Number(chosen)]
  const isAnswered = answer !== undefined
  const answered = options.findIndex(({ reply }) => reply.payload === answer)
  return (
    <form
      class="dropdown"
      onSubmit={(event) => {
        event.preventDefault()
        if (!isAnswered && chosen !== '' && option) chat.answer(messageId, option.reply)
      }}
    >
      <label for={id}>
        <Prose text={text || words.choose} isMarkdown={isMarkdown} />
      </label>
      <div class="row">
        <select
          id={id}
          value={answered < 0 ? chosen : String(answered)}
          disabled={isAnswered}
          onChange={({ currentTarget }) => setChosen(currentTarget.value)}
        >
          <option value="">{words.choose}</option>
          {options.map(({ title }, index) => (
            <option value={String(index)} dir="auto">
              {title}
            </option>
          ))}
        </select>
        <button type="submit" class="primary" disabled={isAnswered || chosen === ''}>
          {words.send}
        </button>
      </div>
    </form>
  )
}

/** Answers to a message. */
export function Choices({ choices, messageId }: { choices: readonly Choice[]; messageId: string }) {
  const { chat, words } = useView()
  return (
    <fieldset class="choices">
      <legend class="hidden">{words.choices}</legend>
      {choices.map(({ title, reply }) => (
        <button type="button" part="choice" dir="auto" onClick={() => chat.answer(messageId, reply)}>
          {title}
        </button>
      ))}
    </fieldset>
  )
}
