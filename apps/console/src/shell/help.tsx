import type { JSX } from 'preact'
import { useStore } from '../store.js'
import { Dialog } from '../ui/dialog.js'
import { CheckField } from '../ui/fields.js'
import { areKeysOn, type Destination, isHelpOpen, setKeysOn } from './shortcuts.js'

/** The keys of the console. */
export function Help({ destinations }: { destinations: readonly Destination[] }): JSX.Element | null {
  const isOpen = useStore(isHelpOpen)
  const isOn = useStore(areKeysOn)
  if (!isOpen) return null
  const close = () => isHelpOpen.set(false)
  return (
    <Dialog title="Keyboard" close={close}>
      <dl class="keys">
        {[
          ['/', 'Search'],
          ['j', 'Next item of the list'],
          ['k', 'Previous item'],
          ['Enter', 'Open the item'],
          ['?', 'This list'],
        ].map(([key, label]) => (
          <Key key={key} keys={[String(key)]} label={String(label)} />
        ))}
        {destinations.map(({ key, label }) => (
          <Key key={label} keys={['g', key]} label={label} />
        ))}
      </dl>
      <CheckField
        label="Use single keys"
        hint="Turn this off if keys are pressed by accident, or by a program that listens to speech."
        isOn={isOn}
        change={setKeysOn}
      />
      <div class="actions">
        <button type="button" class="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}

const Key = ({ keys, label }: { keys: readonly string[]; label: string }): JSX.Element => (
  <>
    <dt>
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </dt>
    <dd>{label}</dd>
  </>
)
