import { fileURLToPath } from 'node:url'
import { assets as consoleFiles } from './apps/console/dist/assets.js'
import { assets as chatFiles, entries } from './packages/webchat/dist/assets.js'

// By what the packages give out: a build from the cache leaves older files beside them.
const pathOf = ({ file }) => fileURLToPath(file)
const files = { disablePlugins: ['@size-limit/esbuild'] }

export default [
  { name: 'core', path: 'packages/core/dist/index.js', ignore: ['node:*'], gzip: true, limit: '102 kB' },
  { name: 'client', path: 'packages/client/dist/index.js', ignore: ['node:*'], gzip: true, limit: '8.7 kB' },
  { name: 'webchat, loader', path: 'packages/webchat/dist/loader.js', gzip: true, limit: '3 kB' },
  {
    name: 'webchat, chat',
    path: chatFiles.filter(({ name }) => name === entries.chat).map(pathOf),
    ignore: ['./*'],
    gzip: true,
    limit: '40 kB',
  },
  {
    ...files,
    name: 'console, first load',
    path: consoleFiles.filter(({ name }) => /^(console|style)-/.test(name)).map(pathOf),
    gzip: true,
    limit: '60 kB',
  },
  { ...files, name: 'console, all files', path: consoleFiles.map(pathOf), gzip: true, limit: '140 kB' },
]
