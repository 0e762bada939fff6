/**
 * Address of a conversation at a provider: `identity` is the business's side (a number, a page, a bot; `*` if there is
 * one per integration), `sender` the person, `thread` the room (`*` if there is none).
 */
export interface Endpoint {
  identity: string
  sender: string
  thread: string
}
