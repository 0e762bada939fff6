/** A choice that a person can pick. The bot receives its `value`. */
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
  /** Shows a typing indicator before the message, if the channel supports it. */
  typing?: boolean
  /** Duration of the typing indicator, in milliseconds. Default: 1000. */
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

/** An image by URL. */
export interface ImageContent extends ContentExtras {
  type: 'image'
  image: string
  title?: string
}

/** An audio file by URL. */
export interface AudioContent extends ContentExtras {
  type: 'audio'
  audio: string
  title?: string
}

/** A voice note by URL. */
export interface VoiceContent extends ContentExtras {
  type: 'voice'
  audio: string
  title?: string
}

/** A video by URL. */
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

/** A location, in degrees (WGS 84). */
export interface LocationContent extends ContentExtras {
  type: 'location'
  latitude: number
  longitude: number
  address?: string
  title?: string
}

/** A card as an item of a carousel. With `type: 'card'`, it is a message. */
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
  markdown?: boolean
}

/** A question with many answers, shown as a list to pick from. */
export interface DropdownContent extends ContentExtras {
  type: 'dropdown'
  message: string
  options: { label: string; value: string }[]
  markdown?: boolean
}

/**
 * A message that the provider has approved, for people who have not written for long. Channels without templates show
 * its `text`.
 */
export interface TemplateContent extends ContentExtras {
  type: 'template'
  /** The name at the provider. */
  name: string
  /** The language, as the provider writes it: `en_US`. */
  language: string
  /** What replaces the placeholders, in order. */
  parameters?: string[]
  text?: string
  markdown?: boolean
}

/** Content that a bot can post and channels can show. */
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
  | TemplateContent

/** The message that a press is about. */
interface PressExtras {
  /** Id of the message with the button, if it is known. */
  messageId?: string
}

/** A choice that a person picked: its label and its value. */
export interface QuickReplyContent extends PressExtras {
  type: 'quick_reply'
  text: string
  payload: string
  /**
   * The value is not one that the bot gave to this person: it is that of a template or of another program, or the message
   * is gone, and it is what the person saw. Anybody can make up such a value.
   */
  foreign?: true
  /** The provider's id of the message with the button, if it is not a known one. */
  replyTo?: string
}

/** A press of a `Say something` button. */
export interface SaySomethingContent extends PressExtras {
  type: 'say_something'
  text: string
}

/** A press of a `Postback` button. */
export interface PostbackContent extends PressExtras {
  type: 'postback'
  payload: string
}

/** A file that a person sent. Its URL is always in `url`, unlike in content of a bot. */
export interface ReceivedMedia {
  type: 'image' | 'audio' | 'video' | 'file'
  url: string
  title?: string
}

/** Content that channels create from a person's actions, besides `text`. */
export type InboundContent = QuickReplyContent | SaySomethingContent | PostbackContent | ReceivedMedia

declare const customType: unique symbol

/**
 * An unknown `type`: a string that the compiler distinguishes from the known types, so that `payload.type ===
 * 'text'` narrows to `TextContent`. `String(payload.type)` converts it to a plain string.
 */
export interface CustomType {
  readonly [customType]: true
  toString(): string
}

/**
 * Custom content, which Plugboard stores and passes on unchanged. Created with `customContent`.
 */
export interface CustomContent {
  type?: CustomType
  [field: string]: unknown
}

/**
 * The payload of a message. The server accepts any JSON object. These types cover what Plugboard's channels and
 * bots with this client send; validate payloads from other programs that have the client token.
 */
export type Payload = Content | InboundContent | CustomContent

/** Accepts any JSON object as a payload: a custom type, or a known type with custom fields. */
export function customContent(payload: object): CustomContent {
  return payload as CustomContent
}
