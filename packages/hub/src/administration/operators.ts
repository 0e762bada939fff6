import { type Id, newId, PlugboardError } from '@plugboard/core'
import { Collection, type Kept } from '../documents/collection.js'
import type { Range } from '../log/page.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

export interface OperatorsOptions {
  store: Store
  now(): Date
}

/** What operators may do, from the least to the most: read; also deliver and write; also configure and administer. */
export type OperatorRole = 'viewer' | 'operator' | 'admin'

/** A person who runs the server. */
export interface OperatorRecord {
  /** In lower case. */
  email: string
  name?: string
  role: OperatorRole
  /** In the format of the hashing library. Absent: no sign-in with a password. */
  passwordHash?: string
  /** Who it is at a provider of OpenID Connect. */
  subject?: { issuer: string; id: string }
  /** Networks of earlier sign-ins, hashed with a key. */
  knownNetworks?: string[]
  /** Of an administrator who is about to be none, and does not count as one meanwhile. */
  resigning?: { by: Id; at: string }
  createdAt: string
}

export type Operator = OperatorRecord & { id: Id }

type NewOperator = Pick<OperatorRecord, 'email' | 'role' | 'name' | 'passwordHash' | 'subject'> & {
  /** Default: a new one. */
  id?: Id
}

/** The id of the operator whom a link makes that needs no other operator: the same for all links, so that one is made. */
export const FIRST_OPERATOR = '000000000000000000000001' as Id

/** After this time, whoever was about to take the role of an administrator has died. */
const RESIGNING_MS = 60_000

const emailName = (email: string): string => `email ${email.toLowerCase()}`
const subjectTerm = ({ issuer, id }: NonNullable<OperatorRecord['subject']>): string =>
  `subject ${JSON.stringify([issuer, id])}`

/** The people who run the server. They are not cached, so a change counts in all processes at once. */
export class Operators {
  readonly #options: OperatorsOptions
  readonly #operators: Collection<OperatorRecord>
  #isAny = false

  constructor(options: OperatorsOptions) {
    this.#options = options
    this.#operators = new Collection<OperatorRecord>(options.store, 'operator', {
      nameOf: ({ email }) => emailName(email),
      termsOf: ({ subject }) => (subject ? [subjectTerm(subject)] : []),
    })
  }

  /** @throws CONFLICT if another operator has the e-mail address */
  async create({ id = newId(), ...of }: NewOperator): Promise<Operator> {
    const createdAt = this.#options.now().toISOString()
    const operator: OperatorRecord = { ...of, email: of.email.toLowerCase(), createdAt }
    if (await this.#operators.insert(NO_CLIENT, id, operator)) return { ...operator, id }
    throw new PlugboardError('CONFLICT', 'another operator already has this e-mail address')
  }

  /**
   * Creates an administrator where there is no operator. Of several at the same time, in whichever processes, one is
   * created. @throws CONFLICT if there is an operator
   */
  async createFirst(of: Omit<NewOperator, 'id' | 'role'>): Promise<Operator> {
    if (!(await this.isAny())) return this.create({ ...of, id: FIRST_OPERATOR, role: 'admin' })
    throw new PlugboardError('CONFLICT', 'there is an operator already')
  }

  async find(by: { id: Id } | { email: string }): Promise<Operator | undefined> {
    const key = 'id' in by ? by : { name: emailName(by.email) }
    return asOperator(await this.#operators.find(NO_CLIENT, key))
  }

  /** The operator who is this subject of a provider. */
  async findSubject(subject: NonNullable<OperatorRecord['subject']>): Promise<Operator | undefined> {
    const [kept] = await this.#operators.list(NO_CLIENT, { term: subjectTerm(subject), limit: 1 })
    return asOperator(kept)
  }

  /** In creation order. */
  async list(range: Range): Promise<Operator[]> {
    const page = await this.#operators.list(NO_CLIENT, range)
    return page.map(({ id, data }) => ({ ...data, id }))
  }

  /** Whether there is an operator. Remembered once there is one, because every page of the console asks. */
  async isAny(): Promise<boolean> {
    this.#isAny ||= (await this.#operators.list(NO_CLIENT, { limit: 1 })).length > 0
    return this.#isAny
  }

  /** @throws NOT_FOUND; CONFLICT if another operator has the e-mail address */
  async change(id: Id, change: (operator: OperatorRecord) => OperatorRecord): Promise<Operator> {
    const changed = await this.#operators.change(NO_CLIENT, id, (known) => known && change(known))
    if (!changed) throw new PlugboardError('NOT_FOUND', 'operator not found')
    return { ...changed, id }
  }

  /**
   * Gives an operator a role that is not that of an administrator. Of several at the same time, the last administrator
   * stays: each is marked first, and those who are marked do not count. @throws NOT_FOUND; CONFLICT for the only
   * administrator
   */
  async demote(id: Id, role: Exclude<OperatorRole, 'admin'>): Promise<Operator> {
    const by = newId()
    const at = this.#options.now().toISOString()
    const marked = await this.change(id, (known) =>
      known.role === 'admin' ? { ...known, resigning: { by, at } } : { ...known, role },
    )
    if (marked.role !== 'admin') return marked
    if (!(await this.#hasOtherAdmin(id))) {
      await this.#unmark(id, by)
      throw new PlugboardError('CONFLICT', 'this is the only administrator: create another one first')
    }
    return this.change(id, (known) => {
      if (known.resigning?.by !== by)
        throw new PlugboardError('CONFLICT', 'the operator changed concurrently; try again')
      const { resigning: _, ...rest } = known
      return { ...rest, role }
    })
  }

  /** Whether there is an administrator other than this one who stays one. */
  async #hasOtherAdmin(id: Id): Promise<boolean> {
    for await (const { id: other, data } of this.#operators.walk(NO_CLIENT)) {
      if (other === id || data.role !== 'admin') continue
      const { resigning } = data
      if (!resigning) return true
      if (this.#options.now().getTime() - Date.parse(resigning.at) <= RESIGNING_MS) continue
      // Its mark must go first: a process that was only very slow then finds that, and gives up.
      if (await this.#unmark(other, resigning.by)) return true
    }
    return false
  }

  /** False if it is no administrator any more, or is marked anew. */
  async #unmark(id: Id, by: Id): Promise<boolean> {
    const left = await this.#operators.change(NO_CLIENT, id, (known) => {
      if (known?.resigning?.by !== by) return known
      const { resigning: _, ...rest } = known
      return rest
    })
    return left?.role === 'admin' && left.resigning === undefined
  }

  /** @throws NOT_FOUND; CONFLICT for the only administrator */
  async remove(id: Id): Promise<void> {
    await this.demote(id, 'viewer')
    const isRemoved = await this.#operators.remove(NO_CLIENT, id)
    if (!isRemoved) throw new PlugboardError('NOT_FOUND', 'operator not found')
    this.#isAny = false
  }
}

const asOperator = (kept: Kept<OperatorRecord> | undefined): Operator | undefined =>
  kept && { ...kept.data, id: kept.id }
