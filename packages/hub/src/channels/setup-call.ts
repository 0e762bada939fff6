import type { IntegrationMode } from '@plugboard/core'
import type { Runtime } from './channels.js'

/** The call that sets up the provider for a mode, if the channel has it: to listen, the webhook has to go. */
export const setupOf = (
  runtime: Runtime,
  mode: IntegrationMode,
): Runtime['provision'] | Runtime['unprovision'] =>
  (mode === 'listen' ? runtime.unprovision : runtime.provision)?.bind(runtime)
