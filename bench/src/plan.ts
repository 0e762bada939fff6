import { parseArgs } from 'node:util'

/** What one run of the benchmark measures, and for how long. */
export interface Plan {
  /** Short phases and a small store: shows that it works, not how fast it is. */
  quick: boolean
  /** Names of scenarios; all when empty. */
  only: readonly string[]
  /** Where the figures go as JSON. */
  jsonFile: string
  /** Shows where the server's time goes, instead of figures. */
  profile: boolean
  /** Number of slices of the measured time, which alternate with those of the other side. */
  slices: number
  sliceMs: number
  /** Requests before each measurement, to each side: by number, since code is compiled by number too. */
  warmUp: number
  /** How long the slow receiver of webhooks takes to answer, in milliseconds. */
  receiverDelayMs: number
  /** Says what is being done. */
  say(text: string): void
}

export const USAGE = `pnpm bench [--quick] [--only NAME[,NAME]] [--seconds N] [--json FILE] [--profile]
            [--receiver-delay MS]

  --quick      short phases and a small store
  --only       run these scenarios only
  --seconds N  measured time of each side of a comparison (default 12; quick: 3)
  --json FILE  where the figures go (default bench/results/latest.json)
  --receiver-delay MS  how long the slow receiver of webhooks takes to answer (default 2)
  --profile    show where the server's time goes, for scenarios that compare with the floor (default: post)`

/** @throws Error that says what is wrong with the arguments */
export function readPlan(defaultJsonFile: string): Plan | 'help' {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      seconds: { type: 'string' },
      json: { type: 'string', default: defaultJsonFile },
      profile: { type: 'boolean', default: false },
      'receiver-delay': { type: 'string', default: '2' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const { quick, profile, json: jsonFile } = values
  const seconds = Number(values.seconds ?? (quick ? 3 : 12))
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds must be a number up to 600')
  const receiverDelayMs = Number(values['receiver-delay'])
  if (!(receiverDelayMs > 0 && receiverDelayMs <= 1000))
    throw new Error('--receiver-delay must be a number up to 1000')
  const slices = quick ? 6 : 12
  const only = values.only.split(',').filter((name) => name !== '')
  return {
    quick,
    profile,
    jsonFile,
    receiverDelayMs,
    only: profile && only.length === 0 ? ['post'] : only,
    slices,
    sliceMs: (seconds * 1000) / slices,
    warmUp: quick ? 5000 : 30_000,
    say: (text) => console.error(`  ${text}`),
  }
}
