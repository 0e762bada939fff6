import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Loads a module with all that it imports, if Node.js can load ES modules without waiting for each file. An `import` of it
 * afterwards finds it loaded. A start has hundreds of files, and takes a sixth less time this way.
 */
export function preload(specifier: string): void {
  if (process.features.require_module) require(specifier)
}
