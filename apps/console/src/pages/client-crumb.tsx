import { Fragment, type JSX } from 'preact'
import { at } from '../route/location.js'
import { nameOf, useClient } from '../shell/scope.js'
import { useSession } from '../shell/session.js'

/** Whose page it is. */
export function ClientCrumb({
  clientId,
  more,
}: {
  clientId: string
  more?: readonly (readonly [string, string])[]
}): JSX.Element {
  const { data } = useClient(clientId)
  const { actor } = useSession()
  return (
    <>
      {actor.kind !== 'tenant' && (
        <>
          <a href={at('clients')}>Clients</a>
          <span aria-hidden="true">/</span>
        </>
      )}
      <a href={at('clients', clientId)}>{data ? nameOf(data) : clientId}</a>
      {more?.map(([label, href]) => (
        <Fragment key={href}>
          <span aria-hidden="true">/</span>
          <a href={href}>{label}</a>
        </Fragment>
      ))}
    </>
  )
}
