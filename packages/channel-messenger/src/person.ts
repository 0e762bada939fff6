import type { Endpoint, Person } from '@plugboard/core'
import { z } from 'zod'
import type { Call, Context } from './api.js'

const said = z.string().optional().catch(undefined)
const profileSchema = z.object({ first_name: said, last_name: said })

/**
 * The name of a person, which events do not have. An app of others needs the feature Business Asset User Profile Access.
 * https://developers.facebook.com/documentation/business-messaging/messenger-platform/identity/user-profile
 */
export const describePerson =
  (call: Call) =>
  async ({ sender }: Endpoint, context: Context): Promise<Person | undefined> => {
    const query = { fields: 'first_name,last_name' }
    const { data } = profileSchema.safeParse(await call({ path: [sender], query }, context))
    const name = [data?.first_name, data?.last_name].filter(Boolean).join(' ')
    return name ? { name } : undefined
  }
