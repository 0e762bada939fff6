/** What a server needs to show the console. For Node. */

/** A file whose name has a hash of its content. */
export interface ConsoleAsset {
  name: string
  file: URL
  /** Media type. */
  type: string
}

declare const __FILES__: readonly string[]

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
}

const here = (path: string): URL => new URL(path, import.meta.url)

/** All files of the console. The server gives them out below the address of the console, at `assets/NAME`. */
export const assets: readonly ConsoleAsset[] = __FILES__.map((name) => ({
  name,
  file: here(`assets/${name}`),
  type: TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
}))

function named(start: string, end: string): string {
  const found = __FILES__.find((name) => name.startsWith(`${start}-`) && name.endsWith(end))
  if (found === undefined) throw new Error(`@plugboard/console was built without ${start}${end}`)
  return found
}

/**
 * The page of the console. It is the same for every address below the console, since the script shows what the address names.
 * @param base path of the console, with a slash at its end: `/console/`, or `/hub/console/` below a path
 */
export function page(base: string): string {
  const asset = (start: string, end: string) => `${escaped(base)}assets/${named(start, end)}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Plugboard</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${asset('icon', '.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${asset('style', '.css')}">
<script type="module" src="${asset('console', '.js')}"></script>
</head>
<body><noscript>The console needs JavaScript.</noscript></body>
</html>
`
}

/** What the page needs of a content security policy. Nothing is inline, and nothing comes from elsewhere. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const escaped = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
