import assert from 'node:assert/strict'
import { faults } from '../fake-provider.js'
import { oddForms } from '../hostile.js'
import { type Stage, type Subject, type SuiteCase, stagedCase } from '../stage.js'
import { suffer } from './faults.js'
import { samplesFor } from './render.js'

/** Shorter texts are no secrets, and would be found anywhere. */
const MIN_SECRET = 8

/** What must never be shown is in nothing that the host logs, stores or answers. */
export function secrecyCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { channel, fixtures } = subject
  const test = stagedCase(subject)
  const check = (configs: unknown[], said: string[]): void => {
    for (const field of channel.secrets) {
      for (const secret of configs.flatMap((config) => formsOf(config, field))) {
        const leak = said.find((text) => text.includes(secret))
        assert.equal(leak?.replaceAll(secret, '<secret>'), undefined, `${field} is in what the channel says`)
      }
    }
  }

  return [
    {
      name: 'no secret is in what the check of a configuration says',
      run: async () => {
        for (const config of Object.values(fixtures.invalidConfigs)) {
          const { issues = [] } = await channel.config['~standard'].validate(config)
          const said = issues.map(({ message }) => message)
          check([config], said)
        }
      },
    },
    test('no secret is in an event, a part, a log line, an error or a failure', async (stage) => {
      const said = [
        ...heardFromInbound(subject, stage),
        ...(await heardFromOutbound(subject, stage)),
        ...stage.log,
      ]
      check([stage.integration.config, stage.stranger.config], said)
    }),
  ]
}

function heardFromInbound<Config, Session, Options>(
  { fixtures: { recordings, sign } }: Subject<Config, Session, Options>,
  { runtime, integration }: Stage<Config, Session>,
): string[] {
  const requests = recordings.map(({ request }) => request)
  const odd = requests.slice(0, 1).flatMap(oddForms)
  return [...requests, ...odd.map(([, request]) => request)].map((request) => {
    try {
      return JSON.stringify(runtime.parse(sign(request, integration.config, new Date()), integration))
    } catch (error) {
      return wordsOf(error)
    }
  })
}

async function heardFromOutbound<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
  stage: Stage<Config, Session>,
): Promise<string[]> {
  const heard = samplesFor(subject).map((content) => JSON.stringify(stage.render(content)))
  // `refused` closes the provider, so it comes last.
  for (const fault of [...faults].sort((a, b) => Number(a === 'refused') - Number(b === 'refused'))) {
    const { error, failure } = await suffer(stage, fault)
    heard.push(wordsOf(error), JSON.stringify(failure) ?? '')
  }
  return heard
}

/** The words of an error and of its causes. */
function wordsOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 10) return String(error)
  return `${error.message}\n${error.stack}\n${wordsOf(error.cause, depth + 1)}`
}

/** A secret, and its halves where it is made of such: `whsec_…`, `12345:…`. */
export function formsOf(config: unknown, field: string): string[] {
  const secret: unknown =
    typeof config === 'object' && config !== null ? Reflect.get(config, field) : undefined
  if (typeof secret !== 'string') return []
  return [secret, ...secret.split(/[_:]/)].filter((text) => text.length >= MIN_SECRET)
}
