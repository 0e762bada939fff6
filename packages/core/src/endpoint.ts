/**
 * Where a conversation lives at a provider: `identity` is the business's side (a number, a page, a bot; `*` where a
 * provider has one per integration), `sender` the person, `thread` the room (`*` where there is none).
 */
export interface Endpoint {
  identity: string
  sender: string
  thread: string
}
