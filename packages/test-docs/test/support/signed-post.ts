import { Webhook } from 'standardwebhooks'

/** Posts an event as Plugboard signs it, and returns the status. */
export async function signedPost(url: string, token: string): Promise<number> {
  const [body, at] = [JSON.stringify({ type: 'user.new', data: { userId: 'u1' } }), new Date()]
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(token).sign('evt_1', at, body),
  }
  return (await fetch(url, { method: 'POST', headers, body })).status
}
