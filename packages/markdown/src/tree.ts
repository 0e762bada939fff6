/** Something that takes lines of its own. Quotes and lists stand in one another at most sixteen and eight deep. */
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
  /** The first word after the fence; empty where there is none. */
  language: string
}

export interface Quote {
  type: 'quote'
  children: Block[]
}

export interface List {
  type: 'list'
  /** The number of the first item. Absent in a list with bullets. */
  start?: number
  /** Whether no empty line is between its items. */
  isTight: boolean
  items: ListItem[]
}

export interface ListItem {
  /** Whether the box of a task is checked. Absent on an item that is no task. */
  isChecked?: boolean
  children: Block[]
}

export interface Table {
  type: 'table'
  /** The first is the head. Each has as many cells as that. */
  rows: Inline[][][]
}

/** A piece of a line. A style holds no other of the same kind, and a link no other link. */
export type Inline = Text | Code | { type: 'break' } | Styled | Link | Image

/** Words, with a line feed where the source has one. */
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
  /** As it is written, escapes and entities aside: any text, also `javascript:…` or an empty one. */
  url: string
  children: Inline[]
}

export interface Image {
  type: 'image'
  /** As that of a link. */
  url: string
  /** The words where the picture is not shown; may be empty. */
  alt: string
}
