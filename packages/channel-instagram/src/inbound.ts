import { type IsFile, parser, router } from '@plugboard/graph-api/messaging'
import { account, type Options } from './config.js'

/** https://developers.facebook.com/docs/instagram-platform/webhooks */
const product = { object: 'instagram', accountOf: account } as const

export const parse = (isFile: IsFile) => parser(product, isFile)
export const route = (options: Options) => router(product, options)
