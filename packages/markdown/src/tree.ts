/** A block element. Quotes nest at most 16 levels deep, lists at most 8. */
export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'heading'; level: number; children: Inline[] }
  | { type: 'rule' }
  | CodeBlock
  | Quote
  | List
  | Table

export interface CodeBlock {
  type: 'code-block'
  text: string
  /** The first word after the fence, or empty. */
  language: string
}

export interface Quote {
  type: 'quote'
  children: Block[]
}

export interface List {
  type: 'list'
  /** Number of the first item. Absent in a bullet list. */
  start?: number
  /** Whether there are no empty lines between items. */
  isTight: boolean
  items: ListItem[]
}

export interface ListItem {
  /** Whether a task is checked. Absent if the item is not a task. */
  isChecked?: boolean
  children: Block[]
}

export interface Table {
  type: 'table'
  /** The first row is the head. All rows have the same number of cells. */
  rows: Inline[][][]
}

/** An inline element. A style does not contain the same style, and a link does not contain a link. */
export type Inline = Text | Code | { type: 'break' } | Styled | Link | Image

/** Text, with the line feeds of the source. */
export interface Text {
  type: 'text'
  text: string
}

export interface Code {
  type: 'code'
  text: string
}

export interface Styled {
  type: Style
  children: Inline[]
}

export type Style = 'strong' | 'emphasis' | 'strikethrough'

export interface Link {
  type: 'link'
  /** As written, with escapes and entities resolved. May be any text, including `javascript:…` or empty. */
  url: string
  children: Inline[]
}

export interface Image {
  type: 'image'
  /** As for a link. */
  url: string
  /** Alternative text; may be empty. */
  alt: string
}
