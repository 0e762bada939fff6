import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuery } from '../api/query.js'
import { request } from '../api/request.js'
import type { Session, SignIn } from '../api/wire.js'
import { apiUrl } from '../base.js'
import { at, currentPlace, go } from '../route/location.js'
import { TextField } from '../ui/fields.js'
import { Icon } from '../ui/icon.js'
import { Empty, Failure, Loading } from '../ui/notice.js'
import { useSubmit } from '../ui/use-submit.js'
import { Brand } from './nav.js'
import { enter } from './session.js'

/** The sign-in page. A link with a token signs in, or lets the first operator choose a password. */
export function SignInPage(): JSX.Element {
  const { path, hash } = currentPlace()
  const token = path === 'link' ? new URLSearchParams(hash).get('token') : null
  useEffect(() => {
    document.title = 'Sign in · Plugboard'
  }, [])
  return (
    <main class="sign-in">
      <Brand />
      {token === null ? <SignInForm /> : <LinkForm token={token} />}
    </main>
  )
}

function SignInForm(): JSX.Element {
  const { data, error, reload } = useQuery<SignIn>('sign-in')
  const [account, setAccount] = useState(NO_ACCOUNT)
  if (error) return <Failure error={error} retry={reload} />
  if (!data) return <Loading />
  if (!data.isOn) {
    return (
      <Empty icon="key" title="The console is off">
        <p>{data.reason}</p>
      </Empty>
    )
  }
  return (
    <div class="card">
      <h1>Sign in</h1>
      {data.reason !== undefined && <p class="quiet">{data.reason}</p>}
      {data.password && (
        <Form action="Sign in" send={() => request<Session>('POST', 'session', { body: account })}>
          <AccountFields account={account} change={setAccount} />
        </Form>
      )}
      {data.oidc && (
        <a class="button" href={new URL('oidc/start', apiUrl).href} target="_self">
          <Icon name="key" /> {data.oidc.label}
        </a>
      )}
    </div>
  )
}

/** The first operator has no account yet, so the link asks for one; a link to one client does not. */
function LinkForm({ token }: { token: string }): JSX.Element {
  const isFirst = currentPlace().query.has('first')
  const [account, setAccount] = useState(NO_ACCOUNT)
  const send = (body: object) => request<Session>('POST', 'session/link', { body: { token, ...body } })
  return (
    <div class="card">
      <h1>{isFirst ? 'Create the first operator' : 'Open the console'}</h1>
      <p class="quiet">
        {isFirst
          ? 'You will sign in with this address and password. The link works once.'
          : 'The link opens the console for one client.'}
      </p>
      <Form
        action={isFirst ? 'Create and sign in' : 'Open'}
        send={() => send(isFirst ? account : {})}
        leadsTo={at()}
      >
        {isFirst && <AccountFields account={account} change={setAccount} isNew />}
      </Form>
    </div>
  )
}

const NO_ACCOUNT = { email: '', password: '' }

interface AccountProps {
  account: typeof NO_ACCOUNT
  change(account: typeof NO_ACCOUNT): void
  /** The password is chosen now. */
  isNew?: boolean
}

function AccountFields({ account, change, isNew = false }: AccountProps): JSX.Element {
  return (
    <>
      <TextField
        label="E-mail"
        type="email"
        name="email"
        autocomplete="username"
        value={account.email}
        change={(email) => change({ ...account, email })}
        isRequired
        isFocused
      />
      <TextField
        label="Password"
        type="password"
        name="password"
        autocomplete={isNew ? 'new-password' : 'current-password'}
        hint={isNew ? 'At least 12 characters.' : undefined}
        value={account.password}
        change={(password) => change({ ...account, password })}
        isRequired
      />
    </>
  )
}

function Form({
  action,
  send,
  leadsTo,
  children,
}: {
  action: string
  send(): Promise<Session>
  leadsTo?: string
  children: ComponentChildren
}): JSX.Element {
  const { error, isSending, onSubmit } = useSubmit(async () => {
    const session = await send()
    if (leadsTo !== undefined) go(leadsTo, { isNew: false })
    enter(session)
  })
  return (
    <form class="stack" onSubmit={onSubmit}>
      {children}
      {error && <Failure error={error} />}
      <button type="submit" class="button primary" disabled={isSending}>
        {action}
      </button>
    </form>
  )
}
