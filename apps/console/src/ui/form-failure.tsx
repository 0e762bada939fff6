import type { JSX } from 'preact'
import type { ApiError } from '../api/request.js'
import { Icon } from './icon.js'
import { Failure } from './notice.js'
import { counted } from './numbers.js'
import { RequestId } from './request-id.js'

/** What is wrong with a member of the body. Its label names it. */
export const faultOf = (error: ApiError | undefined, name: string): string | undefined =>
  error?.issues.find(({ path }) => path.includes(name))?.message

/** What a form failed at. `fields` show their own faults, so those are counted here only. */
export function FormFailure({ error, fields }: { error: ApiError; fields: readonly string[] }): JSX.Element {
  const { issues, requestId } = error
  const isAtField = issues.every(({ path }) => fields.some((name) => path.includes(name)))
  if (issues.length === 0 || !isAtField) return <Failure error={error} />
  return (
    <div class="notice bad" role="alert">
      <Icon name="warning" />
      <div class="grow">
        <p>{counted(issues.length, 'field was', 'fields were')} not accepted.</p>
        <RequestId id={requestId} />
      </div>
    </div>
  )
}
