import { text } from 'node:stream/consumers'
import { readConfig } from '../../config/read-config.js'
import {
  createOwner,
  listOwners,
  madeOwner,
  ofOwner,
  ownerList,
  parseOwnerToRemove,
  parseWantedOwner,
  removedOwner,
  removeOwner,
} from '../../dialects/messaging-v1/admin-owners.js'
import { operate } from '../store-or-server.js'
import { everyPage, print, table } from './print.js'

export interface OwnerOptions {
  project?: string | undefined
  email?: string | undefined
  firstname?: string | undefined
  lastname?: string | undefined
  json?: boolean | undefined
  url?: string | undefined
}

/** Reads the password from the standard input. */
export async function create({
  project,
  email,
  firstname,
  lastname,
  json,
  url,
}: OwnerOptions): Promise<void> {
  const body = parseWantedOwner({
    ...(project !== undefined && { project }),
    ...(email !== undefined && { email }),
    ...(firstname !== undefined && { firstName: firstname }),
    ...(lastname !== undefined && { lastName: lastname }),
    password: (await text(process.stdin)).replace(/\r?\n$/, ''),
  })
  const made = await operate(readConfig(), { url, mayCreate: true }, (operator) =>
    operator({
      ...{ path: '/owners', body, answer: madeOwner, audit: 'owner.create' },
      run: async (hub, note) => {
        const made = await createOwner(hub, body)
        note(...ofOwner(made))
        return made
      },
    }),
  )
  print(json, made, [`${email} owns the project ${made.projectId}`])
}

export async function list({ project, json, url }: OwnerOptions): Promise<void> {
  const owners = await operate(readConfig(), { url }, (operator) =>
    everyPage(async (after) => {
      const query = { project, after }
      const page = await operator({
        ...{ method: 'GET', path: '/owners', query, answer: ownerList },
        run: (hub) => listOwners(hub, query),
      })
      return { ...page, items: page.owners }
    }),
  )
  const rows = owners.map(({ email, projects, createdOn }) => [email, createdOn, projects.join(' ')])
  print(json, owners, table(['EMAIL', 'CREATED', 'PROJECTS'], rows))
}

export async function remove({ email, project, json, url }: OwnerOptions): Promise<void> {
  const body = parseOwnerToRemove({
    ...(email !== undefined && { email }),
    ...(project !== undefined && { project }),
  })
  const removed = await operate(readConfig(), { url }, (operator) =>
    operator({
      ...{ path: '/owners/remove', body, answer: removedOwner, audit: 'owner.remove' },
      run: async (hub, note) => {
        const made = await removeOwner(hub, body)
        note({ clients: made.projects })
        return made
      },
    }),
  )
  const { projects, isDeleted } = removed
  const what = isDeleted ? ', and the account is deleted' : ''
  print(json, removed, [`${email} no longer owns ${projects.join(', ')}${what}`])
}
