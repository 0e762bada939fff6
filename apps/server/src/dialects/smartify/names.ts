/** Stands in the webhooks that this dialect makes, and in what it alone knows of messages and conversations. */
export const FORMAT_NAME = 'smartify'

/** Of ids that callers of this dialect choose. */
export const EXTERNAL_NAMESPACE = 'smartify'

/** The channel of what says nothing of one. */
export const DEFAULT_CHANNEL = 'chat21'
