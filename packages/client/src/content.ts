/** A choice that a person can pick; `value` comes back to the bot. */
export interface Choice {
  title: string
  value: string
}

/** A button of a card. */
export type CardAction =
  | { action: 'Say something'; title: string; text: string }
  | { action: 'Open URL'; title: string; url: string }
  | { action: 'Postback'; title: string; payload: string }

/** Fields that any content may have. */
export interface ContentExtras {
  /** Show a typing indicator before the message, where the channel can. */
  typing?: boolean
  /** How long the indicator is shown, in milliseconds; the server's default is 1000. */
  delay?: number
  /** Quick replies under the message. */
  choices?: Choice[]
}

/** Plain text, or Markdown with `markdown: true`. */
export interface TextContent extends ContentExtras {
  type: 'text'
  text: string
  markdown?: boolean
}

/** A picture by URL. */
export interface ImageContent extends ContentExtras {
  type: 'image'
  image: string
  title?: string
}

/** A sound file by URL. */
export interface AudioContent extends ContentExtras {
  type: 'audio'
  audio: string
  title?: string
}

/** A voice note by URL. */
export interface VoiceContent extends ContentExtras {
  type: 'voice'
  audio: string
}

/** A film by URL. */
export interface VideoContent extends ContentExtras {
  type: 'video'
  video: string
  title?: string
}

/** Any file by URL. */
export interface FileContent extends ContentExtras {
  type: 'file'
  file: string
  title?: string
}

/** A place, in degrees (WGS 84). */
export interface LocationContent extends ContentExtras {
  type: 'location'
  latitude: number
  longitude: number
  address?: string
  title?: string
}

/** A card as an item of a carousel; with `type: 'card'` a message of its own. */
export interface CarouselItem {
  title: string
  subtitle?: string
  image?: string
  actions: CardAction[]
  markdown?: boolean
}

/** One card with buttons. */
export interface CardContent extends ContentExtras, CarouselItem {
  type: 'card'
}

/** A row of cards. */
export interface CarouselContent extends ContentExtras {
  type: 'carousel'
  items: CarouselItem[]
}

/** A question with a few answers, shown as buttons. */
export interface SingleChoiceContent extends ContentExtras {
  type: 'single-choice'
  text: string
  choices: Choice[]
}

/** A question with many answers, shown as a list to pick from. */
export interface DropdownContent extends ContentExtras {
  type: 'dropdown'
  message: string
  options: { label: string; value: string }[]
}

/** What a bot can post to be shown by the channels. */
export type Content =
  | TextContent
  | ImageContent
  | AudioContent
  | VoiceContent
  | VideoContent
  | FileContent
  | LocationContent
  | CardContent
  | CarouselContent
  | SingleChoiceContent
  | DropdownContent

/** A choice that a person picked: its label and its value. */
export interface QuickReplyContent {
  type: 'quick_reply'
  text: string
  payload: string
}

/** A press of a `Say something` button. */
export interface SaySomethingContent {
  type: 'say_something'
  text: string
}

/** A press of a `Postback` button. */
export interface PostbackContent {
  type: 'postback'
  payload: string
}

/** A file that a person sent. Unlike a bot's, its address is in `url`. */
export interface ReceivedMedia {
  type: 'image' | 'audio' | 'video' | 'file'
  url: string
  title?: string
}

/** What channels make of what a person did; besides these they send `text`. */
export type InboundContent = QuickReplyContent | SaySomethingContent | PostbackContent | ReceivedMedia

declare const customType: unique symbol

/**
 * A `type` that is none of the known ones: a string that the compiler keeps apart, so that `payload.type ===
 * 'text'` leaves `TextContent` alone. `String(payload.type)` makes a plain one of it.
 */
export interface CustomType {
  readonly [customType]: true
  toString(): string
}

/**
 * Content of a form of your own: Plugboard keeps it and passes it on untouched. Made with `customContent`.
 */
export interface CustomContent {
  type?: CustomType
  [field: string]: unknown
}

/**
 * The payload of a message. The server takes any JSON object, so these types state what Plugboard's channels
 * and a bot that uses this client send; check before use what other holders of the client token may have
 * posted.
 */
export type Payload = Content | InboundContent | CustomContent

/** Lets any JSON object through as a payload: a type of your own, or a known type with fields of your own. */
export function customContent(payload: object): CustomContent {
  return payload as CustomContent
}
