import { readdirSync } from 'node:fs'
import { defineConfig } from 'vite'

/** What `vite.files.ts` has made. */
const files = readdirSync(new URL('dist/assets', import.meta.url))

/** The list of the files, for a server. */
export default defineConfig({
  publicDir: false,
  define: { __FILES__: JSON.stringify(files) },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: false,
    ssr: true,
    rolldownOptions: { input: { assets: 'src/assets.ts' }, output: { entryFileNames: '[name].js' } },
  },
})
