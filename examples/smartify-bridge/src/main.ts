import { type NetworkMessage, startBridge } from './bridge.js'
import { People } from './people.js'
import { Smartify } from './smartify.js'

function env(name: string, initial?: string): string {
  const value = process.env[name] || initial
  if (value) return value
  console.error(`${name} is not set`)
  process.exit(1)
}

const port = Number(env('PORT', '4200'))
const networkUrl = env('NETWORK_URL')

async function deliver(message: NetworkMessage): Promise<void> {
  const response = await fetch(networkUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) throw new Error(`the network answered ${response.status}`)
}

await startBridge({
  smartify: new Smartify({
    url: env('SMARTIFY_URL', 'http://127.0.0.1:3100/api'),
    projectId: env('PROJECT_ID'),
    email: env('EMAIL'),
    password: env('PASSWORD'),
  }),
  people: await People.open(env('STATE_FILE', 'people.jsonl')),
  deliver,
  port,
  publicUrl: env('PUBLIC_URL', `http://127.0.0.1:${port}`),
})
console.log(`the bridge listens on http://127.0.0.1:${port}`)
