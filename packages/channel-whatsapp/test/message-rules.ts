import { z } from 'zod'

/** A code, and what is wrong. */
export type Faulty = [code: number, details: string]

/*
 * https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
 * and the page of each type of message.
 */

const oneLine = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\r\n\t]*\S[^\r\n\t]*$/)
const body = (max: number) => z.strictObject({ text: z.string().max(max).regex(/\S/) })
const webAddress = z.url({ protocol: /^https?$/ }).max(2000)

const text = z.strictObject({ body: z.string().max(4096).regex(/\S/), preview_url: z.boolean().optional() })
const source = { link: webAddress.optional(), id: z.string().optional() }
const caption = z.string().min(1).max(1024).optional()
const isOne = ({ link, id }: { link?: unknown; id?: unknown }): boolean =>
  (link === undefined) !== (id === undefined)
const image = z.strictObject({ ...source, caption }).refine(isOne, 'needs a link or an id')
const audio = z
  .strictObject({ ...source, voice: z.boolean().optional() })
  .refine(isOne, 'needs a link or an id')
const document = z
  .strictObject({ ...source, caption, filename: oneLine(240).optional() })
  .refine(isOne, 'needs a link or an id')
const location = z
  .strictObject({
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    name: z.string().min(1).max(1000).optional(),
    address: z.string().min(1).max(1000).optional(),
  })
  .refine(({ name, address }) => address === undefined || name !== undefined, 'an address needs a name')

const pictureHeader = z.strictObject({
  type: z.literal('image'),
  image: z.strictObject({ link: webAddress }),
})
const replySchema = z.strictObject({
  type: z.literal('reply'),
  reply: z.strictObject({ id: oneLine(256), title: oneLine(20) }),
})
const isUnique = (values: readonly string[]): boolean => new Set(values).size === values.length
const buttons = z.strictObject({
  type: z.literal('button'),
  header: pictureHeader.optional(),
  body: body(1024),
  action: z.strictObject({
    buttons: z
      .array(replySchema)
      .min(1)
      .max(3)
      .refine((all) => isUnique(all.map(({ reply }) => reply.id)), 'ids must differ')
      .refine((all) => isUnique(all.map(({ reply }) => reply.title)), 'titles must differ'),
  }),
})
const list = z.strictObject({
  type: z.literal('list'),
  body: body(4096),
  action: z.strictObject({
    button: oneLine(20),
    sections: z
      .array(
        z.strictObject({ rows: z.array(z.strictObject({ id: oneLine(200), title: oneLine(24) })).min(1) }),
      )
      .length(1)
      .refine((sections) => sections.flatMap(({ rows }) => rows).length <= 10, 'at most 10 rows')
      .refine(
        (sections) => isUnique(sections.flatMap(({ rows }) => rows.map(({ id }) => id))),
        'ids must differ',
      ),
  }),
})
const link = z.strictObject({
  type: z.literal('cta_url'),
  header: pictureHeader.optional(),
  body: body(1024),
  action: z.strictObject({
    name: z.literal('cta_url'),
    parameters: z.strictObject({ display_text: oneLine(20), url: webAddress }),
  }),
})

const named = <T extends string>(name: T) => z.strictObject({ name: z.literal(name) })
const footer = z.strictObject({ text: z.string().min(1).max(60) }).optional()
const textHeader = z.strictObject({ type: z.literal('text'), text: oneLine(60) })
const flow = z.strictObject({
  ...{ type: z.literal('flow'), header: textHeader.optional(), body: body(1024), footer },
  action: z.strictObject({
    name: z.literal('flow'),
    parameters: z.strictObject({
      ...{ flow_message_version: z.literal('3'), flow_id: oneLine(100), flow_cta: oneLine(20) },
      flow_token: oneLine(200).optional(),
      flow_action: z.enum(['navigate', 'data_exchange']).optional(),
      flow_action_payload: z.strictObject({ screen: oneLine(100), data: z.json().optional() }).optional(),
      mode: z.enum(['draft', 'published']).optional(),
    }),
  }),
})
const product = z.strictObject({
  ...{ type: z.literal('product'), body: body(1024).optional(), footer },
  action: z.strictObject({ catalog_id: oneLine(100), product_retailer_id: oneLine(100) }),
})
const products = z.strictObject({
  ...{ type: z.literal('product_list'), header: textHeader, body: body(1024), footer },
  action: z.strictObject({
    catalog_id: oneLine(100),
    sections: z
      .array(
        z.strictObject({
          title: oneLine(24),
          product_items: z.array(z.strictObject({ product_retailer_id: oneLine(100) })).min(1),
        }),
      )
      .min(1)
      .max(10)
      .refine((all) => all.flatMap(({ product_items }) => product_items).length <= 30, 'at most 30 products'),
  }),
})
const contactRequest = z.strictObject({
  ...{ type: z.literal('request_contact_info'), body: body(1024), action: named('request_contact_info') },
})
const locationRequest = z.strictObject({
  ...{ type: z.literal('location_request_message'), body: body(1024), action: named('send_location') },
})

const interactive = z.discriminatedUnion('type', [
  buttons,
  list,
  link,
  flow,
  product,
  products,
  contactRequest,
  locationRequest,
])

const parameter = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    text: z
      .string()
      .min(1)
      .regex(/^[^\n\r\t]*$/)
      .regex(/^(?!.* {5})/),
  }),
  z.strictObject({ type: z.literal('image'), image }),
  z.strictObject({ type: z.literal('video'), video: image }),
  z.strictObject({ type: z.literal('document'), document }),
  z.strictObject({ type: z.literal('payload'), payload: z.string() }),
])
const component = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('header'), parameters: z.array(parameter).max(1) }),
  z.strictObject({ type: z.literal('body'), parameters: z.array(parameter) }),
  z.strictObject({
    type: z.literal('button'),
    sub_type: z.enum(['quick_reply', 'url', 'flow', 'copy_code']),
    index: z.union([z.string(), z.int()]),
    parameters: z.array(parameter).max(1),
  }),
])
const template = z.strictObject({
  name: z.string().regex(/^[a-z0-9_]{1,512}$/),
  language: z.strictObject({ code: z.string().regex(/^[a-z]{2,3}(_[A-Z]{2,3})?$/) }),
  components: z.array(component).min(1).optional(),
})

const common = {
  messaging_product: z.literal('whatsapp'),
  recipient_type: z.enum(['individual', 'group']),
  to: z.string().optional(),
  recipient: z.string().optional(),
  biz_opaque_callback_data: z.string().max(512).optional(),
}
const message = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal('text'), text }),
  z.strictObject({ ...common, type: z.literal('image'), image }),
  z.strictObject({ ...common, type: z.literal('video'), video: image }),
  z.strictObject({ ...common, type: z.literal('audio'), audio }),
  z.strictObject({ ...common, type: z.literal('document'), document }),
  z.strictObject({ ...common, type: z.literal('location'), location }),
  z.strictObject({
    ...common,
    type: z.literal('interactive'),
    interactive,
  }),
  z.strictObject({ ...common, type: z.literal('template'), template }),
])

const readMark = z.strictObject({
  messaging_product: z.literal('whatsapp'),
  status: z.literal('read'),
  message_id: z.string().startsWith('wamid.'),
  typing_indicator: z.strictObject({ type: z.literal('text') }).optional(),
})

/** What is known of people, files and templates. */
export interface MessageRules {
  /** Error codes for people who cannot be reached, by their number or id. */
  unreachable?: Readonly<Record<string, number>>
  /** Error code for every file by its address. */
  refusedLinks?: number
  /** Templates, and how many parameters their bodies have. Default: every template. */
  templates?: Readonly<Record<string, number>>
  /** Uploaded files, by their ids. */
  files: ReadonlyMap<string, unknown>
}

/** The first reason for which WhatsApp does not take such a message. */
export function messageFault(json: unknown, rules: MessageRules): Faulty | undefined {
  if (typeof json === 'object' && json !== null && 'status' in json) {
    const { error } = readMark.safeParse(json)
    return error && [100, z.prettifyError(error)]
  }
  const { data, error } = message.safeParse(json)
  if (!data) return [100, z.prettifyError(error)]
  const { to, recipient, recipient_type: kind } = data
  const who = to ?? recipient ?? ''
  const isAddressed =
    kind === 'group'
      ? to !== undefined && recipient === undefined
      : (to === undefined) !== (recipient === undefined)
  if (!isAddressed) return [131008, 'to or recipient, one of them']
  if (kind === 'individual' && to !== undefined && !/^\+?\d{5,20}$/.test(to))
    return [131009, 'The real one takes it, and delivers nothing']
  if (recipient !== undefined && !/^[A-Z]{2}\.(ENT\.)?\w{1,128}$/.test(recipient))
    return [131009, 'recipient']
  const reach = rules.unreachable?.[who]
  if (reach) return [reach, 'cannot be reached']
  if (kind === 'group' && (data.type === 'interactive' || data.type === 'location'))
    return [131051, 'not in groups']
  if (data.type === 'template') return templateFault(data.template, rules)
  return fileFault(data, rules)
}

function templateFault(
  { name, components = [] }: z.infer<typeof template>,
  rules: MessageRules,
): Faulty | undefined {
  for (const file of components.flatMap(({ parameters }) =>
    parameters.flatMap((each) => fileOf(each) ?? []),
  )) {
    if (file.id !== undefined && !rules.files.has(file.id)) return [100, 'there is no such file']
    if (file.link !== undefined && rules.refusedLinks) return [rules.refusedLinks, 'the file']
  }
  const { templates } = rules
  if (!templates) return undefined
  const count = Object.hasOwn(templates, name) ? templates[name] : undefined
  if (count === undefined) return [132001, 'no such template']
  const given = components.find(({ type }) => type === 'body')?.parameters.length ?? 0
  return given === count ? undefined : [132000, 'number of parameters']
}

/** Endings of addresses that lead to no file of the type; the real one fetches it and looks at its type. */
const OTHERS: Readonly<Record<string, RegExp>> = {
  image: /\.(avif|bmp|gif|heic|mp[34]|og[ag]|pdf|svg|tiff?|webp)$/i,
  video: /\.(jpe?g|mp3|og[ag]|pdf|png)$/i,
  audio: /\.(jpe?g|mp4|pdf|png)$/i,
}

function fileFault(data: z.infer<typeof message>, { files, refusedLinks }: MessageRules): Faulty | undefined {
  const file = fileOf(data)
  if (!file) return undefined
  if (file.id !== undefined && !files.has(file.id)) return [100, 'there is no such file']
  if (file.link === undefined) return undefined
  if (refusedLinks) return [refusedLinks, 'the file']
  const { pathname } = new URL(file.link)
  if (OTHERS[data.type]?.test(pathname)) return [131053, 'the type of the file']
  const isVoice = data.type === 'audio' && data.audio.voice === true
  return isVoice && !/\.(og[ag]|opus)$/i.test(pathname) ? [131053, 'no voice message'] : undefined
}

interface SentFile {
  link?: string | undefined
  id?: string | undefined
}

function fileOf(data: z.infer<typeof message> | z.infer<typeof parameter>): SentFile | undefined {
  switch (data.type) {
    case 'image':
      return data.image
    case 'video':
      return data.video
    case 'audio':
      return data.audio
    case 'document':
      return data.document
    case 'interactive':
      return 'header' in data.interactive && data.interactive.header?.type === 'image'
        ? data.interactive.header.image
        : undefined
    default:
      return undefined
  }
}
