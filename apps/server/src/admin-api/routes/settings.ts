import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { printable } from '../../config/read-config.js'
import { settingRows } from '../../config/settings.js'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'

const settingsSchema = z.object({
  settings: z.array(
    z.object({
      key: z.string().describe('Name of the environment variable'),
      value: z.string().optional().describe('As it is in effect, with secrets as ***; absent if it is unset'),
      default: z.string().optional(),
      isDefault: z.boolean(),
      meaning: z.string(),
    }),
  ),
})

/** The settings in effect of the process that answers. */
export function settingsRoutes(app: FastifyInstance, deps: AdminDeps): void {
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/settings',
    operationId: 'adminListSettings',
    tag: 'admin-overview',
    summary: 'The settings of the process that answers, without secrets',
    role: 'admin',
    tenant: false,
    responses: { 200: settingsSchema },
    handle: async (): Promise<z.infer<typeof settingsSchema>> => {
      const values = printable(deps.config)
      return {
        settings: settingRows.map(({ key, initial, meaning }) => {
          const { [key]: value } = values
          return {
            ...{ key, meaning, isDefault: value === undefined || value === initial },
            ...(value !== undefined && { value }),
            ...(initial !== '' && { default: initial }),
          }
        }),
      }
    },
  })
}
