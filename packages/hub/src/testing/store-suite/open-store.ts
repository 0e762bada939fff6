import type { Store } from '../../ports/store.js'

/** A store that was made for one case. */
export interface OpenStore {
  /** Fresh and empty. */
  store: Store
  /** Closes `store` and opens the same data again, as a process does that starts after another has ended. */
  reopen?(): Promise<Store>
  /** Opens a second handle on the same data, as a second process does while the first one runs. */
  another?(): Promise<Store>
  /** Moves the clock of every handle, open or opened later, forward by this time. */
  advance?(ms: number): void
  /** Closes every handle that was opened, and removes the data. */
  close(): Promise<void>
}
