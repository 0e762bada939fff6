/**
 * A text of somebody else for a terminal: control characters could move the cursor or hide text, and those for the
 * direction of text could show it in another order. They become `\\u` and their number, as JSON has them.
 */
export const plain = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
