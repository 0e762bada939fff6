import { MAX_REPLIES, MAX_REPLY_LABEL } from './limits.js'

/**
 * A message with buttons, as WhatsApp takes it:
 * https://developer.vonage.com/en/messages/concepts/working-with-whatsapp-interactive-messages
 */
export type Interactive = {
  header?: { type: 'image'; image: { link: string } }
  body: { text: string }
} & (
  | { type: 'button'; action: { buttons: { type: 'reply'; reply: Reply }[] } }
  | { type: 'list'; action: { button: string; sections: { rows: Reply[] }[] } }
  | { type: 'cta_url'; action: { name: 'cta_url'; parameters: { display_text: string; url: string } } }
)

type Reply = { id: string; title: string }

interface Asked {
  body: string
  choices: readonly { title: string; value: string }[]
  /** The only button of a card without choices. */
  link?: { title: string; url: string } | undefined
  /** The address of a picture above buttons. */
  image?: string
}

/** WhatsApp refuses an empty text or label. */
const NOTHING = '…'
/** The button that opens a list. It has no words, because the channel does not know the language. */
const OPEN = '☰'

/** Up to three short choices are buttons, others a list, and a link is a button that opens it. */
export function interactive({ body, choices, link, image }: Asked): Interactive {
  const said = {
    ...(image !== undefined && { header: { type: 'image' as const, image: { link: image.toWellFormed() } } }),
    body: { text: body.trim() ? body : NOTHING },
  }
  if (link) {
    const parameters = { display_text: labelOf(link.title), url: link.url.toWellFormed() }
    return { type: 'cta_url', ...said, action: { name: 'cta_url', parameters } }
  }
  const replies = choices.map(({ title, value }) => ({ id: value, title: labelOf(title) }))
  if (fitOnButtons(choices))
    return {
      ...{ type: 'button', ...said },
      action: { buttons: replies.map((reply) => ({ type: 'reply', reply })) },
    }
  return { type: 'list', body: said.body, action: { button: OPEN, sections: [{ rows: replies }] } }
}

const labelOf = (title: string): string => title.toWellFormed().trim() || NOTHING

/** Whether choices are buttons and not a list, which cannot have a picture. Labels of buttons must be different. */
export function fitOnButtons(choices: Asked['choices']): boolean {
  const labels = choices.map(({ title }) => labelOf(title))
  return labels.length <= MAX_REPLIES && labels.every(fitsOnButton) && new Set(labels).size === labels.length
}

export const fitsOnButton = (label: string): boolean => label.length <= MAX_REPLY_LABEL
