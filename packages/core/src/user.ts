import type { Id } from './id.js'

/** A person, as one client knows them. */
export interface User {
  id: Id
  clientId: Id
  createdAt: Date
  data?: Record<string, string>
}
