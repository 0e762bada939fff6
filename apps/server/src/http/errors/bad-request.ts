/** A request that no dialect takes, whatever it asks for. Each answers a 400 with this message, in its own form. */
export class BadRequest extends Error {
  readonly statusCode = 400

  constructor(message: string) {
    super(message)
    this.name = 'BadRequest'
  }
}
