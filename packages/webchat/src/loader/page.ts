import { startChat } from './launcher.js'

/** The page that is only a chat, in a window or in a frame. */
const { server = location.origin, client = '', origins = '' } = document.documentElement.dataset
const { theme, language } = Object.fromEntries(new URLSearchParams(location.search))

const chat = startChat(
  {
    url: server,
    client,
    mode: 'page',
    theme: theme === 'dark' || theme === 'light' ? theme : 'auto',
    ...(language && { language }),
  },
  () => import('../chat/main.js'),
)

// The page around the frame may show the number of unread messages. Only pages that the client allows get it.
if (window.parent !== window) {
  chat.on('unread', (count) => {
    for (const origin of origins.split(' ').filter(Boolean)) {
      window.parent.postMessage({ type: 'plugboard:unread', count }, origin)
    }
  })
}
