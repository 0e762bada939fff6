import type { ComponentChildren, JSX } from 'preact'
import type { ApiError } from '../api/request.js'
import { Icon, type IconName } from './icon.js'
import { RequestId } from './request-id.js'

/** What failed, in words, and a way to try again. */
export function Failure({ error, retry }: { error: ApiError; retry?: () => unknown }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" />
      <div class="grow">
        <p>{error.message}</p>
        <RequestId id={error.requestId} />
      </div>
      {retry && (
        <button type="button" class="button slim" onClick={() => void retry()}>
          Try again
        </button>
      )}
    </div>
  )
}

/** What to do where there is nothing. */
export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName
  title: string
  children?: ComponentChildren
}): JSX.Element {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export const Loading = (): JSX.Element => (
  <p class="quiet cluster" role="status">
    <Icon name="spinner" spins /> Loading …
  </p>
)
