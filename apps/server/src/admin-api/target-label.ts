import { withMaskedUrls } from '../masked-urls.js'

/** The hub tells endpoints of an integration apart by an id, which no API has. */
const INTERNAL_ID = / [0-9a-f]{24}$/

/** What a target is called for operators. Possible secrets of its URL are masked. */
export const targetLabel = (label: string): string => withMaskedUrls(label.replace(INTERNAL_ID, ''))
