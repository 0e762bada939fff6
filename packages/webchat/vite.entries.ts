import { readdirSync } from 'node:fs'
import { defineConfig, type UserConfig } from 'vite'

/** What `vite.files.ts` has made. */
const files = readdirSync(new URL('dist/assets', import.meta.url))
const chat = files.find((name) => /^chat-.*\.js$/.test(name))

const target = { target: 'es2022', cssTarget: ['chrome123', 'firefox120', 'safari17.5'], emptyOutDir: false }

/** Small entries that load the chat when it is needed: the script for a page, the one for bundlers, and the list of files. */
const builds: Record<string, UserConfig> = {
  script: {
    build: {
      ...target,
      outDir: 'dist',
      lib: {
        entry: 'src/loader/script.ts',
        formats: ['iife'],
        name: 'plugboard',
        fileName: () => 'loader.js',
      },
    },
  },
  module: {
    define: { __CHAT_FILE__: JSON.stringify(`./assets/${chat}`), __FILES__: JSON.stringify(files) },
    build: {
      ...target,
      outDir: 'dist',
      ssr: true,
      rolldownOptions: {
        input: { index: 'src/index.ts', assets: 'src/assets.ts' },
        external: [/\/assets\/chat-/],
        output: { entryFileNames: '[name].js' },
      },
    },
  },
}

export default defineConfig(({ mode }) => ({ publicDir: false, ...builds[mode] }))
