/** The page that shows the API document with Swagger UI. All of it comes from this server. */

/** Headers of pages. The document of a page may not be shown in a frame, where clicks could be stolen. */
export const PAGE_HEADERS = { 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' }

/**
 * The policy of the page. Styles are open because Swagger UI sets them on elements. Without `upgrade-insecure-requests`,
 * because the server is also called over plain HTTP. `externalUrl`: an address that requests are tried at as well.
 */
export function docsPolicy(externalUrl?: string): string {
  const outside = externalUrl === undefined ? '' : ` ${new URL(externalUrl).origin}`
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    `connect-src 'self'${outside}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** `root`: the relative address of the server's root. `shown`: the name of the API that the page has. */
export const docsPage = (
  root: string,
  apis: readonly { name: string; title: string }[],
  shown = '',
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Plugboard API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${root}docs/static/swagger-ui.css">
<link rel="stylesheet" href="${root}docs/page.css">
<link rel="service-desc" type="application/json" href="${root}openapi/${shown}.json">
</head>
<body>
<header>
<a class="home" href="${root || './'}">Plugboard</a>
<nav aria-label="APIs">${apis.map(({ name, title }) => `<a href="${root}docs?api=${name}"${name === shown ? ' aria-current="page"' : ''}>${title}</a>`).join(' ')}</nav>
<a href="${root}openapi.json">openapi.json</a>
</header>
<main id="api"><p>Loading the API …</p><noscript><p>This page needs JavaScript. The API is also described in <a href="${root}openapi.json">openapi.json</a>.</p></noscript></main>
<script src="${root}docs/static/swagger-ui-bundle.js"></script>
<script src="${root}docs/page.js"></script>
</body>
</html>
`

const CSS = `body { margin: 0; background: #fff; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; padding: .75rem 20px; max-width: 1420px; margin: 0 auto; font: 16px/1.5 system-ui, sans-serif; }
header a { color: #0b57d0; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; flex: 1; }
nav [aria-current] { color: inherit; font-weight: 700; text-decoration: none; }
header .home { color: inherit; font-weight: 700; font-size: 1.25rem; text-decoration: none; }
main > p { padding: 1rem 20px; font: 16px/1.5 system-ui, sans-serif; }
:focus-visible { outline: 3px solid #0b57d0; outline-offset: 2px; }
.swagger-ui .info { margin: 20px 0; }
.swagger-ui .opblock .opblock-summary-path { word-break: break-word; }
.swagger-ui .response-col_links { display: none; }
.swagger-ui .scheme-container .schemes .auth-wrapper .authorize { margin-right: 0; }
html:not(.dark-mode) .swagger-ui .info .title small { background: #5b6270; }
html:not(.dark-mode) .swagger-ui .info .title small.version-stamp { background: #3d7000; }
html:not(.dark-mode) .swagger-ui .info a { color: #0b57d0; }
html:not(.dark-mode) .swagger-ui .opblock-get .opblock-summary-method { background: #1464b4; }
html:not(.dark-mode) .swagger-ui .opblock-post .opblock-summary-method { background: #1a7f4e; }
html:not(.dark-mode) .swagger-ui .opblock-put .opblock-summary-method { background: #a85400; }
html:not(.dark-mode) .swagger-ui .opblock-patch .opblock-summary-method { background: #0b7a66; }
html:not(.dark-mode) .swagger-ui .opblock-delete .opblock-summary-method { background: #c62828; }
html:not(.dark-mode) .swagger-ui .btn.authorize { color: #1a7f4e; border-color: #1a7f4e; }
html:not(.dark-mode) .swagger-ui .btn.authorize svg { fill: #1a7f4e; }
.dark-mode body { background: #1c2022; color: #eee; }
.dark-mode header a { color: #8ab4f8; }
.dark-mode header .home, .dark-mode nav [aria-current] { color: inherit; }
.dark-mode :focus-visible { outline-color: #8ab4f8; }
@media (max-width: 640px) {
  .swagger-ui .opblock .opblock-summary { flex-wrap: wrap; }
  .swagger-ui .opblock .opblock-summary-method { min-width: 4.5rem; }
  .swagger-ui .opblock .opblock-summary-path { max-width: none; flex: 1 1 60%; }
  .swagger-ui .opblock .opblock-summary-description { flex-basis: 100%; padding: 6px 10px; }
  .swagger-ui .wrapper { padding: 0 10px; box-sizing: border-box; }
  .swagger-ui .servers-title, .swagger-ui .servers, .swagger-ui .servers > label, .swagger-ui .servers > label select { max-width: 100%; min-width: 0; }
  .swagger-ui .scheme-container .schemes .schemes-server-container { min-width: 0; max-width: 100%; flex-wrap: wrap; }
  .swagger-ui .filter .operation-filter-input { width: 100%; box-sizing: border-box; }
  .swagger-ui .parameters-col_name { width: 40%; }
  .swagger-ui .opblock-section, .swagger-ui .responses-inner { overflow-x: auto; }
  .swagger-ui .dialog-ux .modal-ux { min-width: 0; width: calc(100vw - 20px); }
}
`

const JS = `const dark = matchMedia('(prefers-color-scheme: dark)')
const paint = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', paint)
paint()
SwaggerUIBundle({
  url: document.querySelector('link[rel=service-desc]').href,
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'list',
  filter: true,
  displayOperationId: false,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => document.querySelector('#servers')?.setAttribute('aria-label', 'Server'),
})
`

/** Files of the page, by their path. */
export const DOCS_FILES: Readonly<Record<string, { type: string; text: string }>> = {
  '/docs/page.css': { type: 'text/css; charset=utf-8', text: CSS },
  '/docs/page.js': { type: 'text/javascript; charset=utf-8', text: JS },
}
