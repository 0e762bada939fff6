/**
 * Markdown for channels: a parser with bounded time and size, and the tree that channels convert.
 * @packageDocumentation
 */
export { MAX_MARKDOWN, parseMarkdown } from './parse.js'
export { type Marks, toPlainText } from './plain-text.js'
export type {
  Block,
  Code,
  CodeBlock,
  Image,
  Inline,
  Link,
  List,
  ListItem,
  Quote,
  Style,
  Styled,
  Table,
  Text,
} from './tree.js'
export { toWhatsApp } from './whatsapp.js'
