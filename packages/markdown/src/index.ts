/**
 * Markdown for channels: one parser for all of them, bounded in time and size, and a tree that each walks.
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
