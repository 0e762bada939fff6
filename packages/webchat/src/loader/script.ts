import type { WebChat } from '../options.js'
import { startChat } from './launcher.js'

/** What the hub knows when it serves this script. */
declare const PLUGBOARD: {
  /** Address of the hub, without a slash at its end. */
  server: string
  client: string
  /** Address of the chat. */
  chat: string
}

declare global {
  interface Window {
    Plugboard?: WebChat
  }
}

// A page may have the script twice by mistake.
if (!window.Plugboard) {
  const { language, theme, button } = document.currentScript?.dataset ?? {}
  window.Plugboard = startChat(
    {
      url: PLUGBOARD.server,
      client: PLUGBOARD.client,
      theme: theme === 'dark' || theme === 'light' ? theme : 'auto',
      isButtonHidden: button === 'none',
      ...(language && { language }),
    },
    () => import(/* @vite-ignore */ PLUGBOARD.chat),
  )
  window.dispatchEvent(new Event('plugboard:ready'))
}
