import type { JSX } from 'preact'
import { docsUrl } from '../base.js'
import icon from '../icon.svg'
import { at, usePlace } from '../route/location.js'
import { useStore } from '../store.js'
import { Icon, type IconName } from '../ui/icon.js'
import type { NavItem, Navigation } from './destinations.js'
import { nameOf, useClient } from './scope.js'
import { useSession } from './session.js'
import { isHelpOpen } from './shortcuts.js'
import { SignOut } from './sign-out.js'
import { chooseTheme, type Theme, theme } from './theme.js'

/** The navigation: pages, the selected client, and the current operator. */
export function Nav({
  navigation,
  clientId,
  isOpen,
}: {
  navigation: Navigation
  clientId: string | undefined
  isOpen: boolean
}): JSX.Element {
  return (
    <aside class="side" id="side" aria-label="Menu" {...(isOpen && { 'data-open': '' })}>
      <Brand />
      <nav aria-label="Pages">
        <Group items={navigation.server} />
        <section aria-labelledby="scope-title">
          <h2 id="scope-title">Client</h2>
          <Scope clientId={clientId} />
          {clientId !== undefined && <Group items={navigation.client} />}
        </section>
        {navigation.administration.length > 0 && (
          <section aria-labelledby="server-title">
            <h2 id="server-title">Server</h2>
            <Group items={navigation.administration} />
          </section>
        )}
      </nav>
      <Who />
    </aside>
  )
}

export const Brand = (): JSX.Element => (
  <a class="brand" href={at()}>
    <img src={icon} alt="" width="24" height="24" />
    Plugboard
  </a>
)

/** The client that the pages below are about. It leads to its own page. */
function Scope({ clientId }: { clientId: string | undefined }): JSX.Element {
  const { actor } = useSession()
  const { data } = useClient(clientId)
  if (clientId === undefined) {
    return (
      <a class="scope" href={at('clients')}>
        <span class="grow cut">Choose a client</span>
        <Icon name="right" />
      </a>
    )
  }
  return (
    <a
      class="scope"
      href={at('clients', clientId)}
      title={actor.kind === 'tenant' ? '' : 'Client, its limits and tokens'}
    >
      <Icon name="client" />
      <span class="grow cut">{data ? nameOf(data) : clientId}</span>
    </a>
  )
}

function Group({ items }: { items: readonly NavItem[] }): JSX.Element | null {
  const { path } = usePlace()
  const here = at(...(path === '' ? [] : path.split('/').map(decodeURIComponent)))
  if (items.length === 0) return null
  return (
    <ul>
      {items.map(({ label, icon: name, href }) => (
        <li key={label}>
          <a href={href} {...(isWithin(here, href) && { 'aria-current': 'page' as const })}>
            <Icon name={name} />
            {label}
          </a>
        </li>
      ))}
    </ul>
  )
}

/** The overview and the list of clients have other pages below them. */
const isWithin = (here: string, href: string): boolean =>
  here === href || (href !== at() && href !== at('clients') && here.startsWith(`${href}/`))

const THEMES: readonly (readonly [Theme, IconName, string])[] = [
  ['system', 'screen', 'As the system'],
  ['light', 'sun', 'Light'],
  ['dark', 'moon', 'Dark'],
]

function Who(): JSX.Element {
  const { actor, version } = useSession()
  const chosen = useStore(theme)
  return (
    <div class="who">
      <div class="cluster apart">
        <div class="grow">
          <a class="cut" href={at('account')} title={actor.name}>
            {actor.name}
          </a>
          <div class="small quiet">{actor.role}</div>
        </div>
        <SignOut />
      </div>
      <div class="cluster apart">
        <fieldset class="cluster choices">
          <legend class="visually-hidden">Colours</legend>
          {THEMES.map(([value, name, label]) => (
            <button
              key={value}
              type="button"
              class="button plain square slim"
              aria-pressed={chosen === value}
              aria-label={`Colours: ${label}`}
              title={label}
              onClick={() => chooseTheme(value)}
            >
              <Icon name={name} />
            </button>
          ))}
        </fieldset>
        <button
          type="button"
          class="button plain square slim"
          aria-label="Keyboard"
          title="Keyboard"
          onClick={() => isHelpOpen.set(true)}
        >
          <Icon name="help" />
        </button>
      </div>
      <div class="small quiet">
        <a href={docsUrl.href}>API reference</a>
        <div>Version {version}</div>
      </div>
    </div>
  )
}
