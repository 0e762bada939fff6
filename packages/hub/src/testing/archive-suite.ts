import { besideCases } from './archive-suite/beside.js'
import { Copies, type Stores } from './archive-suite/copies.js'
import { recordCases } from './archive-suite/records.js'
import type { StoreCase } from './store-suite.js'

/** What the suite needs to know of a store. */
export interface ArchiveSuite extends Stores {
  /** Begins the names of the cases. */
  name: string
}

/** The rules of the archive of a store as cases for any test runner, as `storeSuite` is of the store itself. */
export function archiveSuite({ name, ...stores }: ArchiveSuite): StoreCase[] {
  return Object.entries({ ...recordCases, ...besideCases }).map(([sentence, prove]) => ({
    name: `${name} > archive > ${sentence}`,
    run: async () => {
      const copies = new Copies(stores)
      try {
        await prove(copies)
      } finally {
        await copies.close()
      }
    },
  }))
}
