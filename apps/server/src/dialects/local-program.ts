import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../config/local-only.js'

/**
 * Headers that a proxy, a CDN or a browser page adds: with one of them a request is not from this machine's own programs.
 * Whatever names what was forwarded or an IP address, and by vendor: the standard ones and nginx, Apache and HAProxy;
 * Cloudflare, Fastly, Akamai and others that name the client; Envoy, AWS, Azure, Google, Fly, Vercel, Netlify, Heroku; IIS
 * and those that rewrite addresses; proxies that sign users in.
 */
const FOREIGN_HEADERS = [
  /forwarded|[-_]ip$/,
  /^(origin|referer|via|x-real-.*|x-proxy.*|proxy-.*|x-nginx-.*|x-haproxy-.*|max-forwards|early-data|x-coming-from)$/,
  /^(client-?ip|.*-clientip|cf-.*|cdn-.*|ali-.*|true-client-.*|fastly-.*|x-fastly-.*|akamai-.*|x-akamai-.*|x-varnish(-.*)?)$/,
  /^((.*-)?(connecting|remote|source|src|real|user)-(ip|addr|address)|remote-addr|surrogate-capability)$/,
  /^(x-envoy-.*|x-amzn-.*|x-amz-cf-.*|cloudfront-.*|x-azure-.*|x-fd-.*|x-arr-.*|x-appengine-.*|x-goog-.*)$/,
  /^(x-cloud-trace-context|fly-.*|x-vercel-.*|x-nf-.*|x-heroku-.*|x-railway-.*|x-render-.*|tailscale-.*)$/,
  /^(x-bluecoat-.*|x-appgw-.*|x-traefik-.*|ngrok-.*|x-ms-client-.*|x-pomerium-.*|x-auth-request-.*|(x-)?remote-user)$/,
  /^(x-original-.*|x-rewrite-url|x-host|x-scheme|x-url-scheme|front-end-https|x-ssl-.*|x-request-start)$/,
]

/** What browsers say of requests that the user, or a page of the very same origin, caused. */
const OWN_SITES: readonly unknown[] = [undefined, 'none', 'same-origin']

/**
 * Whether a request is from a program on this machine, if the server listens on loopback only: nothing about it indicates a
 * proxy or a web page.
 */
export function isFromLocalProgram({ headers, originalUrl, raw }: FastifyRequest): boolean {
  // A client sends a whole URL only to what it takes for a proxy.
  if (!originalUrl.startsWith('/')) return false
  // nginx's default for what it passes on is HTTP/1.0, with the name of the target as the host.
  if (raw.httpVersion !== '1.1') return false
  if (!OWN_SITES.includes(headers['sec-fetch-site'])) return false
  if (Object.keys(headers).some((name) => FOREIGN_HEADERS.some((pattern) => pattern.test(name)))) return false
  return isLoopback((headers.host ?? '').replace(/:\d+$/, ''))
}
