import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../api/request.js'
import { Confirm } from '../ui/confirm.js'
import { Dialog } from '../ui/dialog.js'
import { Icon } from '../ui/icon.js'
import { leave, useSession } from './session.js'
import { sayFailure } from './toasts.js'

type Step = 'closed' | 'ask' | 'everywhere'

/** Ends this session, or all sessions of the current operator. */
export function SignOut(): JSX.Element {
  const { actor } = useSession()
  const [step, setStep] = useState<Step>('closed')
  const close = () => setStep('closed')
  async function here(): Promise<void> {
    try {
      await request('DELETE', 'session')
      leave()
    } catch (error) {
      sayFailure(error)
    }
  }
  return (
    <>
      <button
        type="button"
        class="button plain square slim"
        aria-label="Sign out"
        title="Sign out"
        onClick={() => (actor.kind === 'operator' ? setStep('ask') : void here())}
      >
        <Icon name="out" />
      </button>
      {step === 'ask' && (
        <Dialog title="Sign out" close={close}>
          <p>End the session of this browser, or all of them: in other browsers too.</p>
          <div class="actions">
            <button type="button" class="button" onClick={close}>
              Cancel
            </button>
            <button type="button" class="button" onClick={() => setStep('everywhere')}>
              Everywhere
            </button>
            <button type="button" class="button primary" onClick={() => void here()}>
              Sign out here
            </button>
          </div>
        </Dialog>
      )}
      {step === 'everywhere' && (
        <Confirm
          title="Sign out everywhere"
          action="Sign out everywhere"
          close={close}
          run={async () => {
            await request('DELETE', 'sessions')
            leave()
          }}
        >
          <p>All your sessions end, this one too.</p>
        </Confirm>
      )}
    </>
  )
}
