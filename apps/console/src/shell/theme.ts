import { kept } from '../browser-storage.js'
import { Store } from '../store.js'

export type Theme = 'system' | 'light' | 'dark'

const read = (): Theme => {
  const value = kept.get('theme')
  return value === 'light' || value === 'dark' ? value : 'system'
}

export const theme = new Store<Theme>(read())

function show(): void {
  const value = theme.get()
  if (value === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = value
}

export function chooseTheme(value: Theme): void {
  kept.set('theme', value === 'system' ? undefined : value)
  theme.set(value)
}

theme.follow(show)
show()
