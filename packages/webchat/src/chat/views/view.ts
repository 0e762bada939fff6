import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Language } from '../../language.js'
import type { Chat } from '../chat.js'
import type { Words } from '../words.js'

/** What every view needs. */
export interface View {
  chat: Chat
  words: Words
  language: Language
  /** Origin of the hub, whose files the chat may fetch. */
  hub: string
  /** The name that stands for the business. */
  business: string
  /** Closes the chat; absent if it fills the window. */
  close?: () => void
}

const Context = createContext<View | undefined>(undefined)

export const ViewProvider = Context.Provider

export function useView(): View {
  const view = useContext(Context)
  if (view === undefined) throw new Error('a view is outside of the chat')
  return view
}
