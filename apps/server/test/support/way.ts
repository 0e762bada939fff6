import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy on the way to servers, with the faults that proxies have. */
export interface Way {
  readonly url: string
  /** Ends all connections. */
  cut(): void
  /** Holds back what servers send, for so long, and passes it on at once. */
  hold(ms: number): void
  close(): Promise<void>
}

/** A way to one of these servers, chosen anew for each connection. */
export async function wayTo(urlOf: () => string): Promise<Way> {
  const pairs = new Set<Pair>()
  let heldUntil = 0
  const proxy = createServer((inner) => {
    const { hostname, port } = new URL(urlOf())
    const pair: Pair = { inner, outer: connect(Number(port), hostname), held: [], timer: undefined }
    const { outer } = pair
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      clearTimeout(pair.timer)
      inner.destroy()
      outer.destroy()
    }
    for (const socket of [inner, outer]) socket.on('error', end).on('close', end).setNoDelay(true)
    inner.pipe(outer)
    outer.on('data', (chunk) => {
      const left = heldUntil - Date.now()
      if (left <= 0 && pair.held.length === 0) return void inner.write(chunk)
      pair.held.push(chunk)
      pair.timer ??= setTimeout(
        () => {
          pair.timer = undefined
          inner.write(Buffer.concat(pair.held.splice(0)))
        },
        Math.max(0, left),
      )
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    for (const { inner, outer } of pairs) {
      inner.destroy()
      outer.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
    hold(ms) {
      heldUntil = Date.now() + ms
    },
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        cut()
      }),
  }
}

interface Pair {
  inner: Socket
  outer: Socket
  held: Buffer[]
  timer: NodeJS.Timeout | undefined
}
