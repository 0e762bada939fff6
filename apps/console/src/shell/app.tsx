import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ended } from '../api/request.js'
import { usePlace } from '../route/location.js'
import { type FoundPage, findPage } from '../route/pages.js'
import { useStore } from '../store.js'
import { Icon } from '../ui/icon.js'
import { Empty, Failure, Loading } from '../ui/notice.js'
import { Page } from '../ui/page.js'
import { navigationOf } from './destinations.js'
import { Help } from './help.js'
import { Brand, Nav } from './nav.js'
import { useScope } from './scope.js'
import { leave, readSession, SessionProvider, session, useMay, useSession } from './session.js'
import { listenForKeys } from './shortcuts.js'
import { SignInPage } from './sign-in.js'
import { Toasts } from './toasts.js'

/** The console: signing in, then the pages. */
export function App(): JSX.Element {
  const state = useStore(session)
  const endings = useStore(ended)
  useEffect(() => void readSession(), [])
  useEffect(() => {
    if (endings > 0) leave()
  }, [endings])
  return (
    <>
      {state.is === 'unknown' && (
        <div class="sign-in">
          <Loading />
        </div>
      )}
      {state.is === 'failed' && (
        <main class="sign-in">
          <Failure error={state.error} retry={readSession} />
        </main>
      )}
      {state.is === 'none' && <SignInPage />}
      {state.is === 'in' && (
        <SessionProvider value={state.session}>
          <Shell />
        </SessionProvider>
      )}
      <Toasts />
    </>
  )
}

function Shell(): JSX.Element {
  const { path } = usePlace()
  const clientId = useScope(path)
  const current = useSession()
  const [isOpen, setIsOpen] = useState(false)
  const navigation = navigationOf(current, clientId)
  const destinations = [...navigation.server, ...navigation.client, ...navigation.administration]

  const newest = useRef(destinations)
  newest.current = destinations
  // Once: a key sequence goes on when something is drawn in between.
  useEffect(() => listenForKeys(() => newest.current), [])
  useEffect(() => setIsOpen(false), [path])
  return (
    <div class="shell">
      <a class="skip button" href="#main">
        Skip to the page
      </a>
      <header class="top">
        <button
          type="button"
          class="button plain square"
          aria-label="Pages"
          aria-expanded={isOpen}
          aria-controls="side"
          onClick={() => setIsOpen(!isOpen)}
        >
          <Icon name="menu" />
        </button>
        <Brand />
      </header>
      {isOpen && (
        <button type="button" class="shade" aria-label="Close the pages" onClick={() => setIsOpen(false)} />
      )}
      <Nav navigation={navigation} clientId={clientId} isOpen={isOpen} />
      <CurrentPage path={path} />
      <Help destinations={destinations} />
    </div>
  )
}

function CurrentPage({ path }: { path: string }): JSX.Element {
  const found = findPage(path)
  if (!found) {
    return (
      <Page title="Not found">
        <Empty icon="search" title="There is no such page">
          <p>The address may be wrong. The pages are in the list beside this.</p>
        </Empty>
      </Page>
    )
  }
  return <Allowed key={path} page={found} />
}

function Allowed({ page: { Component, params, role } }: { page: FoundPage }): JSX.Element {
  const may = useMay(role)
  const { actor } = useSession()
  if (may) return <Component params={params} />
  return (
    <Page title="Not for your role">
      <Empty icon="key" title={`This page needs the role ${role}`}>
        <p>
          You are {actor.name}, with the role {actor.role}. An admin can give you another one.
        </p>
      </Empty>
    </Page>
  )
}
