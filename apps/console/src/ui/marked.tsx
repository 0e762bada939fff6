import type { JSX } from 'preact'

/** A text of the server whose names are between backticks. */
export const Marked = ({ text }: { text: string }): JSX.Element => (
  <>{text.split('`').map((part, n) => (n % 2 === 1 ? <code key={part}>{part}</code> : part))}</>
)
