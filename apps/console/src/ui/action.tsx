import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'
import { sayFailure } from '../shell/toasts.js'
import { Icon, type IconName } from './icon.js'

/** A button that does something at the server, and says what failed. */
export function Action({
  run,
  icon,
  class: className = '',
  children,
  label,
}: {
  run(): Promise<unknown>
  icon?: IconName
  class?: string
  children: ComponentChildren
  /** What it is called, if its text needs its surroundings. */
  label?: string
}): JSX.Element {
  const [isRunning, setIsRunning] = useState(false)
  async function press(): Promise<void> {
    setIsRunning(true)
    try {
      await run()
    } catch (error) {
      sayFailure(error)
    } finally {
      setIsRunning(false)
    }
  }
  return (
    <button
      type="button"
      class={`button ${className}`}
      disabled={isRunning}
      {...(label !== undefined && { 'aria-label': label })}
      onClick={() => void press()}
    >
      {icon && <Icon name={isRunning ? 'spinner' : icon} spins={isRunning} />}
      {children}
    </button>
  )
}
