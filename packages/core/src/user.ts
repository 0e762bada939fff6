import type { Id } from './id.js'

/** A person, as seen by one client. */
export interface User {
  id: Id
  clientId: Id
  createdAt: Date
  data?: Record<string, string>
}
