import { createHash } from 'node:crypto'
import { PAGE_HEADERS } from './docs-page.js'

/** What the home page shows. */
export interface Home {
  version: string
  /** Why the server is not ready; empty: it is ready. */
  problems: readonly string[]
  /** Whether this process has the APIs. A worker has not. */
  takesRequests: boolean
  /** Whether a first sync needs the admin key. */
  needsAdminKey: boolean
  /** Address of the server in examples, without a trailing slash. */
  base: string
}

const MANUAL = 'https://github.com/plugboard/plugboard/blob/main'

/** The page of the server's root for people: what runs here, where to read on, what to do next. No scripts. */
export function homePage({ version, problems, takesRequests, needsAdminKey, base }: Home): string {
  const state =
    problems.length === 0
      ? '<p class="state ok">Running and ready</p>'
      : `<div class="state bad"><p>Running, but not ready:</p><ul>${problems.map((each) => `<li>${escaped(each)}</li>`).join('')}</ul></div>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Plugboard</title>
<link rel="icon" href="data:,">
<style>${CSS}</style>
</head>
<body>
<main>
<h1>Plugboard</h1>
<p>A messaging hub: a bot talks to one HTTP API, its users write on any channel.</p>
${state}
<p>Version <strong>${escaped(version)}</strong></p>
${takesRequests ? next(escaped(base), needsAdminKey) : '<p>This process is a worker: it delivers messages and has no API.</p>'}
<h2>This server</h2>
<ul>
${takesRequests ? '<li><a href="console/">console</a>: messages, deliveries and failures, for operators</li>\n<li><a href="openapi.json">openapi.json</a>: the API as OpenAPI 3.1</li>\n' : ''}<li><a href="readyz">readyz</a>: whether the server is ready, and if not, why</li>
<li><a href="metrics">metrics</a>: for Prometheus</li>
</ul>
<h2>Manual</h2>
<ul>
<li><a href="${MANUAL}/docs/getting-started.md">Getting started</a></li>
<li><a href="${MANUAL}/docs/payloads.md">Payloads of messages</a></li>
<li><a href="${MANUAL}/docs/dialects.md">One conversation in three APIs</a></li>
<li><a href="${MANUAL}/apps/server/README.md#settings">All settings</a></li>
</ul>
</main>
</body>
</html>
`
}

const next = (base: string, needsAdminKey: boolean): string => `<h2>What to do next</h2>
<ol>
<li><p>Create a client for your bot. The response has its <code>id</code> and <code>token</code>.</p>
<pre tabindex="0" aria-label="Command that creates a client"><code>curl -X POST ${base}/api/v1/sync \\
  -H 'content-type: application/json' \\${needsAdminKey ? "\n  -H 'x-bp-messaging-admin-key: ADMIN_KEY' \\" : ''}
  -d '{"webhooks": [{"url": "http://127.0.0.1:4100/webhook"}]}'</code></pre>
${needsAdminKey ? '<p>The admin key is the setting <code>ADMIN_KEY</code>, or in the file that the server names at its start.</p>' : ''}</li>
<li><p>Try the API in the browser: <a href="docs">API reference</a>. Press <em>Authorize</em> and enter the id and the token.</p></li>
<li><p>Connect a channel, such as Telegram or Slack: <a href="${MANUAL}/docs/getting-started.md">getting started</a>.</p></li>
</ol>`

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const CSS = `
:root { color-scheme: light dark; --text: #1c1e21; --page: #fff; --box: #f2f3f5; --link: #0b57d0; --ok: #146c2e; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaed; --page: #1c2022; --box: #2a2f33; --link: #8ab4f8; --ok: #81c995; --bad: #f2b8b5; } }
body { margin: 0; background: var(--page); color: var(--text); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
h1 { margin: 0 0 .5rem; line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.25rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.state { font-weight: 600; }
.state p { margin: 0; }
.ok { color: var(--ok); }
.bad { color: var(--bad); }
ol, ul { padding-left: 1.5rem; }
code { font: .9375em ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: 1rem; background: var(--box); border-radius: .5rem; overflow-x: auto; }
pre code { overflow-wrap: normal; }
`

const styleHash = createHash('sha256').update(CSS).digest('base64')

/** Headers of the home page: its own styles, and nothing else. */
export const HOME_HEADERS = {
  ...PAGE_HEADERS,
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  vary: 'accept',
}
