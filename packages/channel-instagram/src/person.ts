import type { Endpoint, Person } from '@plugboard/core'
import type { Graph } from '@plugboard/graph-api'
import { z } from 'zod'
import { asAccount, type Context } from './api.js'

const said = z.string().optional().catch(undefined)
const profileSchema = z.object({ name: said, username: said })

/**
 * The name of a person, which events do not have, or the name of the person's account.
 * https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api/user-profile
 */
export const describePerson =
  (graph: Graph) =>
  async ({ sender }: Endpoint, context: Context): Promise<Person | undefined> => {
    const query = { fields: 'name,username' }
    const { data } = profileSchema.safeParse(await asAccount(graph)({ path: [sender], query }, context))
    const name = data?.name || data?.username
    return name ? { name } : undefined
  }
