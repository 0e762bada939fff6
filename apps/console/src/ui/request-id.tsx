import type { JSX } from 'preact'

/** What the log of the server calls the request. */
export const RequestId = ({ id }: { id: string | undefined }): JSX.Element | null =>
  id === undefined ? null : (
    <p class="small quiet">
      Request <code>{id}</code>
    </p>
  )
