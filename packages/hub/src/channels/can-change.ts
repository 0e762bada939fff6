import type { Runtime } from './channels.js'

/** Whether an integration with this configuration can change so what it sent. */
export const canChange = (runtime: Runtime, what: 'edit' | 'remove', config: unknown): boolean =>
  runtime[what] !== undefined && (runtime.canChange?.(config) ?? true)
