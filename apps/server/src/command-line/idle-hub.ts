import type { Hub, Keyring, Store } from '@plugboard/hub'
import type { Config } from '../config/read-config.js'
import { createConfiguredHub } from '../configured-hub.js'
import { PublicUrls } from '../http/public-urls.js'
import { createLog } from '../logging.js'
import { Metrics } from '../metrics/metrics.js'
import { openBlobs } from '../storage/open-blobs.js'
import { assertUsable } from '../storage/usable-store.js'

/** Uses a hub that delivers nothing and loads no channel. Closes the store, too. */
export async function withHub<T>(
  config: Config,
  { store, keyring }: { store: Store; keyring: Keyring },
  use: (hub: Hub) => Promise<T>,
): Promise<T> {
  try {
    await assertUsable(store, keyring)
    const blobs = await openBlobs(config)
    try {
      const parts = { store, blobs, keyring, metrics: new Metrics(), urls: new PublicUrls(config) }
      // The standard output is the result of the command.
      const log = createLog(config.logLevel, process.stderr)
      const hub = await createConfiguredHub({ ...config, channels: [], role: 'api' }, {}, { ...parts, log })
      // It would go on polling for deliveries.
      return await use(hub).finally(() => hub.stop(0))
    } finally {
      await blobs.close()
    }
  } finally {
    await store.close()
  }
}
