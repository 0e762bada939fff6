import { defineConfig } from 'vite'

/** The files that a hub serves for ever: the chat, one file per language, and the page that is only a chat. */
export default defineConfig({
  publicDir: false,
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: 'dist/assets',
    emptyOutDir: true,
    // A library, so that Vite adds nothing of its own.
    lib: { entry: { chat: 'src/chat/main.tsx', page: 'src/loader/page.ts' }, formats: ['es'] },
    rolldownOptions: {
      output: {
        entryFileNames: '[name]-[hash].js',
        chunkFileNames: '[name]-[hash].js',
        minify: true,
      },
    },
  },
})
