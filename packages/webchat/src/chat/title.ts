const PREFIX = /^\(\d+\+?\) /

/** Puts the number of unread messages before the title of the page; none removes it. */
export function showUnread(count: number): void {
  const title = document.title.replace(PREFIX, '')
  const next = count > 0 ? `(${count}) ${title}` : title
  if (document.title !== next) document.title = next
}
