import type { IntegrationState } from '../channel.js'
import type { JsonObject } from '../json.js'

/** The state of an integration, in memory, with the rules of the host. `value` is what it starts with. */
export function memoryState(value?: JsonObject): IntegrationState {
  let kept: { value: JsonObject; version: number } | undefined = value && { value, version: 1 }
  return {
    read: async () => structuredClone(kept),
    async write(value, version) {
      if (version !== kept?.version) return false
      // The host stores it, so it comes back from JSON.
      kept = { value: JSON.parse(JSON.stringify(value)) as JsonObject, version: (version ?? 0) + 1 }
      return true
    },
  }
}
