import { defineConfig } from 'vite'

/** The files that a server gives out for ever: the console, the pages that are loaded when they are opened, and its looks. */
export default defineConfig({
  publicDir: false,
  base: './',
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: 'dist/assets',
    emptyOutDir: true,
    // Nothing inline, so that the page needs no exception of its content security policy.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: {
      input: { console: 'src/main.tsx' },
      output: {
        entryFileNames: '[name]-[hash].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
        minify: true,
      },
    },
  },
})
