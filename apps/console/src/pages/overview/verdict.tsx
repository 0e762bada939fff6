import type { JSX } from 'preact'
import type { Overview } from '../../api/wire.js'
import { Icon } from '../../ui/icon.js'
import { counted, countedAtLeast } from '../../ui/numbers.js'
import { Ago } from '../../ui/time.js'

/** The answer to the one question: are people being answered? */
export function Verdict({ overview }: { overview: Overview }): JSX.Element {
  const { status, troubles, hasMoreTroubles } = overview
  if (status === 'ok' && troubles.length === 0) {
    return (
      <section class="verdict ok" aria-label="State">
        <Icon name="check" />
        <div>
          <h2>Everybody is being answered</h2>
          <p>No webhook and no channel is failing, and nothing was given up.</p>
        </div>
      </section>
    )
  }
  const [first] = troubles.map(({ since }) => since).sort()
  return (
    <section class="verdict bad" aria-label="State">
      <Icon name="warning" />
      <div>
        <h2>{titleOf(overview)}</h2>
        <p>
          {hasMoreTroubles ? 'More than ' : ''}
          {counted(troubles.length, 'trouble', 'troubles')}
          {first !== undefined && (
            <>
              , the first one for <Ago at={first} isSpan />
            </>
          )}
          .
        </p>
      </div>
    </section>
  )
}

/** People may be in several troubles, so the sum is an upper end; one trouble is exact. */
function titleOf({ troubles }: Overview): string {
  const counts = troubles.flatMap(({ people }) => people ?? [])
  const count = counts.reduce((sum, people) => sum + people.count, 0)
  if (count === 0) return 'Somebody may not be answered'
  const isMore = counts.some((people) => people.isMore)
  const text = `${countedAtLeast({ count, isMore }, 'person is', 'people are')} not answered`
  return text.charAt(0).toUpperCase() + text.slice(1)
}
