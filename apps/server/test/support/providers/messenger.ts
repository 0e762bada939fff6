import { randomBytes } from 'node:crypto'
import { answerOf, newState } from '../../../../../packages/channel-messenger/test/fake-messenger.js'
import { digits, messagingKind } from './messaging-of-meta.js'

const pages: { appId: string; appSecret: string; pageId: string; accessToken: string }[] = []
const state = newState({ pages })

/** A new page in an app. */
function pageIn(app: { appId: string; appSecret: string }) {
  const own = { pageId: digits(15), accessToken: `EAAG${randomBytes(16).toString('hex')}` }
  pages.push({ ...app, ...own })
  return own
}

/** What a client configures for a page in the app of the operator. */
export const pageOfOperator = ({ appSecret }: { appSecret: string }) =>
  pageIn({ appId: digits(15), appSecret })

export const messenger = messagingKind({
  ...{ channel: 'messenger', object: 'page', account: 'pageId', people: '7000000000', files: state.files },
  credentials() {
    const app = { appId: digits(15), appSecret: randomBytes(16).toString('hex') }
    return { ...app, ...pageIn(app), verifyToken: randomBytes(16).toString('hex') }
  },
  answer: (call) => answerOf(call, state),
})
