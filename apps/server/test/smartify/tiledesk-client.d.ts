/** The part of the npm client that the tests call: it comes without types. */
declare module '@tiledesk/tiledesk-client' {
  type Callback<T> = (error: unknown, result: T) => void
  export interface SignedIn {
    success: boolean
    token: string
    user: { _id: string; firstname: string; email?: string }
  }
  interface Request {
    request_id: string
    status: number
    lead: { lead_id: string }
  }
  export interface Message {
    _id: string
    text: string
    sender: string
    recipient: string
    request: Request
  }

  export interface Listed {
    perPage: number
    count: number
    requests: Request[]
  }

  export class TiledeskClient {
    constructor(options: { APIKEY: string; projectId: string; token: string; APIURL: string })
    static newRequestId(projectId: string): string
    static anonymousAuthentication(
      projectId: string,
      apikey: string,
      options: { APIURL: string },
      callback: Callback<SignedIn>,
    ): void
    static customAuthentication(
      token: string,
      apikey: string,
      options: { APIURL: string },
      callback: Callback<SignedIn>,
    ): void
    static authEmailPassword(
      apikey: string,
      email: string,
      password: string,
      options: { APIURL: string },
      callback: Callback<SignedIn>,
    ): void
    sendSupportMessage(requestId: string, message: object): Promise<Message>
    sendSupportMessage(requestId: string, message: object, callback: Callback<Message>): void
    getAllRequests(query: object, callback: Callback<Listed>): void
    getRequestById(requestId: string): Promise<Request | null>
    closeRequest(requestId: string): Promise<Request & { closed_by: string }>
  }
}
