import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { forgetLists } from '../api/pages.js'
import { forgetAnswers } from '../api/query.js'
import { ApiError, request, setCsrfToken } from '../api/request.js'
import type { Role, Session } from '../api/wire.js'
import { Store } from '../store.js'

/** `none`: nobody is signed in. `unknown`: not asked yet. */
export type SessionState =
  | { is: 'unknown' }
  | { is: 'none' }
  | { is: 'in'; session: Session }
  | { is: 'failed'; error: ApiError }

export const session = new Store<SessionState>({ is: 'unknown' })

/** Loads the current session from the server. */
export async function readSession(): Promise<void> {
  try {
    enter(await request<Session>('GET', 'session'))
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    session.set(error.status === 401 || error.status === 403 ? { is: 'none' } : { is: 'failed', error })
  }
}

export function enter(entered: Session): void {
  setCsrfToken(entered.csrfToken)
  session.set({ is: 'in', session: entered })
}

/** Forgets everything that was shown. */
export function leave(): void {
  setCsrfToken(undefined)
  forgetAnswers()
  forgetLists()
  session.set({ is: 'none' })
}

const SessionContext = createContext<Session | undefined>(undefined)
export const SessionProvider = SessionContext.Provider

/** The current session; for pages that require one. */
export function useSession(): Session {
  const found = useContext(SessionContext)
  if (!found) throw new Error('no session')
  return found
}

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** Whether the current operator has at least this role. It only hides what the server would refuse. */
export const useMay = (role: Role): boolean => RANK[useSession().actor.role] >= RANK[role]
