import type { Json, Part } from '@plugboard/core'
import { z } from 'zod'
import { MAX_BODY, MAX_TEXT } from './limits.js'
import type { FileArgs, FileMessage, Message, TemplateMessage } from './outbound.js'

/** What the host sends if WhatsApp refuses a message later. A form that is an upload has none: it has its own. */
export const secondForm = (part: Part): Part | undefined =>
  part.call === 'message' ? nextForm(part) : undefined

/**
 * Another form of a message whose file WhatsApp does not take: a file by its address is downloaded here and uploaded; one
 * that was uploaded is its address as text; a picture above buttons is its address in the text. The files of a template are
 * uploaded. Undefined if there is none.
 */
export function nextForm({ call, args }: Part): Part | undefined {
  // `render` made the args.
  const message = args as Message
  if (message.type === 'interactive') return withoutPicture(message)
  if (message.type === 'template')
    return call === 'message' && hasLinks(message) ? { call: 'upload', args } : undefined
  const file = fileIn(message)
  if (!file) return undefined
  return call === 'message' ? { call: 'upload', args } : textOf(file)
}

/** The file of a message; undefined for any other. */
export function fileIn(message: Message): FileArgs | undefined {
  switch (message.type) {
    case 'image':
      return message.image
    case 'video':
      return message.video
    case 'audio':
      return message.audio
    case 'document':
      return message.document
    default:
      return undefined
  }
}

export const isFile = (message: Message): message is FileMessage => fileIn(message) !== undefined

/** The caption and the address. */
function textOf({ caption, link }: FileArgs): Part | undefined {
  const body = [caption, link].filter(Boolean).join('\n')
  if (body.length > MAX_TEXT || body === '') return undefined
  return { call: 'message', args: { type: 'text', text: { body: body.toWellFormed(), preview_url: true } } }
}

const pictureSchema = z.object({ image: z.object({ link: z.string() }) })

function withoutPicture(message: Extract<Message, { type: 'interactive' }>): Part | undefined {
  const { header, ...interactive } = message.interactive
  const link = pictureSchema.safeParse(header).data?.image.link
  if (link === undefined) return undefined
  const text = [interactive.body.text, link].join('\n')
  const body = text.length > MAX_BODY ? interactive.body : { text: text.toWellFormed() }
  return { call: 'message', args: { type: 'interactive', interactive: { ...interactive, body } } }
}

const linkSchema = z.looseObject({ link: z.string() })
const parameterSchema = z.union([
  z.looseObject({ type: z.literal('image'), image: linkSchema }),
  z.looseObject({ type: z.literal('video'), video: linkSchema }),
  z.looseObject({ type: z.literal('document'), document: linkSchema }),
])
const componentSchema = z.looseObject({ parameters: z.array(z.unknown()) })

/** A file by its address, which is a parameter of a template. */
export interface LinkedFile {
  type: 'image' | 'video' | 'document'
  link: string
  filename?: string
}

/** Undefined for any other parameter. */
export function linkedFileIn(parameter: unknown): LinkedFile | undefined {
  const { data } = parameterSchema.safeParse(parameter)
  if (!data) return undefined
  const { type } = data
  const { link, filename } = type === 'image' ? data.image : type === 'video' ? data.video : data.document
  return { type, link, ...(typeof filename === 'string' && { filename }) }
}

/** The parameters of the component of a template. */
export const parametersOf = (component: Json): unknown[] =>
  componentSchema.safeParse(component).data?.parameters ?? []

const hasLinks = ({ template: { components = [] } }: TemplateMessage): boolean =>
  components.some((component) => parametersOf(component).some((parameter) => linkedFileIn(parameter)))
