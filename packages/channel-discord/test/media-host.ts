/** Files on the web, by address. All other addresses are those of the fake. */
export function mediaHost(
  files: Record<string, { body: string; mime?: string; status?: number; size?: number }>,
) {
  const asked: string[] = []
  const hostFetch: typeof globalThis.fetch = async (input, init) => {
    const url = String(input)
    if (url.startsWith('http://127.0.0.1')) return fetch(input, init)
    asked.push(url)
    const file = files[url]
    if (!file) throw new TypeError('fetch failed')
    const headers = {
      'content-type': file.mime ?? 'image/png',
      ...(file.size !== undefined && { 'content-length': String(file.size) }),
    }
    return new Response(file.body, { status: file.status ?? 200, headers })
  }
  return { asked, fetch: hostFetch }
}
