import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CommandWriter, readCommands } from './sender-commands.js'

const number = fc.nat()
const item = fc.record({ seq: number, id: fc.string(), body: fc.string() })
const targets = ['a', 'b'].map((id) => ({ id, url: `http://${id}/`, headers: {} }))
const command = fc.oneof(
  fc.tuple(
    fc.constant('push' as const),
    number,
    number,
    fc.constantFrom(...targets),
    fc.array(item),
    fc.constantFrom(7.5, Number.POSITIVE_INFINITY),
  ),
  fc.tuple(fc.constant('renew' as const), number, number),
  fc.tuple(fc.constant('cancel' as const), number),
  fc.tuple(fc.constant('close' as const)),
)

describe('CommandWriter', () => {
  test('collects commands that are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const writer = new CommandWriter()
        for (const [name, ...args] of commands) (writer[name] as (...args: unknown[]) => void)(...args)
        expect(writer.isEmpty).toBe(commands.length === 0)
        expect(read(writer)).toEqual(commands)
        expect(writer.isEmpty).toBe(true)
      }),
    )
  })

  test('says a target once for all pushes until it is taken', () => {
    const writer = new CommandWriter()
    const [a = fail(), b = fail()] = targets
    for (const target of [a, b, a]) writer.push(1, 1, target, [], 0)
    expect(writer.take().targets).toEqual([a, b])
    writer.push(1, 1, b, [], 0)
    expect(writer.take().targets).toEqual([b])
  })
})

/** What arrives in the other thread. */
function read(writer: CommandWriter): unknown[] {
  const commands: unknown[] = []
  readCommands(structuredClone(writer.take()), {
    push: (...args) => commands.push(['push', ...args]),
    renew: (...args) => commands.push(['renew', ...args]),
    cancel: (...args) => commands.push(['cancel', ...args]),
    close: () => commands.push(['close']),
  })
  return commands
}

function fail(): never {
  throw new Error('there are two targets')
}
