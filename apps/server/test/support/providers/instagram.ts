import { randomBytes } from 'node:crypto'
import { answerOf, newState } from '../../../../../packages/channel-instagram/test/fake-instagram.js'
import { digits, messagingKind } from './messaging-of-meta.js'

const accounts: { accountId: string; accessToken: string }[] = []
const state = newState({ accounts })

export const instagram = messagingKind({
  ...{
    channel: 'instagram',
    object: 'instagram',
    account: 'accountId',
    people: '1250000000',
    files: state.files,
  },
  credentials() {
    const account = { accountId: digits(17), accessToken: `IGAA${randomBytes(16).toString('hex')}` }
    accounts.push(account)
    return {
      ...account,
      ...{ appSecret: randomBytes(16).toString('hex'), verifyToken: randomBytes(16).toString('hex') },
    }
  },
  answer: (call) => answerOf(call, state),
})
