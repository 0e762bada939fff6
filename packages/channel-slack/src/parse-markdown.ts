import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import type { ParseMarkdown } from './markdown.js'

const extensions = [gfm()]
const mdastExtensions = [gfmFromMarkdown()]

/** A module of its own, so that an import of the channel loads no parser. */
export const parseMarkdown: ParseMarkdown = (text) => fromMarkdown(text, { extensions, mdastExtensions })
