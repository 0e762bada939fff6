/** What a page with the chat alone needs to know. */
export interface ChatPageOptions {
  name: string
  language: string
  /** The public address of the server. */
  server: string
  client: string
  /** Origins that may show the page in a frame. */
  origins: readonly string[]
  /** The name of the script, and of the style sheet if there is one. */
  script: string
  styles?: string | undefined
}

/** Languages that are written from right to left. */
const FROM_RIGHT = /^(ar|fa|he|ur)\b/

/** The page: what it does is in the script, which reads the attributes. */
export function chatPage(options: ChatPageOptions): string {
  const { name, language, server, client, origins, script, styles } = options
  const attributes = {
    lang: language,
    dir: FROM_RIGHT.test(language) ? 'rtl' : 'ltr',
    'data-server': server,
    'data-client': client,
    'data-origins': origins.join(' '),
  }
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${escaped(value)}"`)
  // Relative, so that the page works below a path too.
  const asset = (file: string): string => escaped(`../web/v1/assets/${file}`)
  return `<!doctype html>
<html ${written.join(' ')}>
<head>
<meta charset="utf-8">
<title>${escaped(name)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="robots" content="noindex">
${styles === undefined ? '' : `<link rel="stylesheet" href="${asset(styles)}">\n`}<script type="module" src="${asset(script)}"></script>
</head>
<body></body>
</html>
`
}

/**
 * Nothing inline, nothing of others but pictures and sound, and frames in pages of the site alone. `server`: the origin of
 * the addresses of files.
 */
export function chatPolicy(origins: readonly string[], server: string): string {
  const files = `'self' ${server} https: data: blob:`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    `img-src ${files}`,
    `media-src ${files}`,
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${origins.length > 0 ? origins.join(' ') : "'none'"}`,
  ].join('; ')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)
