import type { JSX } from 'preact'

/** Outlines in a square of 24. */
const PATHS = {
  overview: 'M3 12h4l3-8 4 16 3-8h4',
  talk: 'M4 5h16v11H9l-5 4z',
  delivery: 'M3 12h15M13 6l6 6-6 6',
  channel: 'M7 4v6M17 4v6M5 10h14v2a7 7 0 0 1-14 0zM12 19v3',
  webhook: 'M9 17a4 4 0 1 1-3.5-6M8 15l4-8M15 9a4 4 0 1 0-6 0M12 7l4 8M14 17h6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 4-6 8-6s8 2 8 6',
  client: 'M4 21V7l8-4 8 4v14M9 21v-5h6v5M8 9h2M14 9h2M8 13h2M14 13h2',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M16 4v6M8 14v6',
  audit: 'M6 3h12v18H6zM9 8h6M9 12h6M9 16h4',
  key: 'M14 10a4 4 0 1 0-3 3.9L13 16h3v3h3v-4l-5.1-5.1z',
  operator: 'M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21c0-4 4-6 8-6M14 19l2 2 5-5',
  owner: 'M3 9l4.5 4L12 5l4.5 8L21 9v10H3z',
  start: 'M5 21V4h11l-1.5 4L16 12H5',
  check: 'M5 13l4 4L19 7',
  cross: 'M6 6l12 12M18 6L6 18',
  close: 'M6 6l12 12M18 6L6 18',
  warning: 'M12 4l9 16H3zM12 10v4M12 17v.01',
  wait: 'M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  retry: 'M20 5v5h-5M20 10a8 8 0 1 0 0 5',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5l11 7-11 7z',
  stop: 'M6 6h12v12H6z',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  menu: 'M4 7h16M4 12h16M4 17h16',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5',
  moon: 'M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10z',
  screen: 'M3 5h18v11H3zM8 20h8M12 16v4',
  out: 'M14 4h5v16h-5M4 12h10M10 8l4 4-4 4',
  help: 'M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  live: 'M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM7 7a7 7 0 0 0 0 10M17 7a7 7 0 0 1 0 10M4 4a11 11 0 0 0 0 16M20 4a11 11 0 0 1 0 16',
  bot: 'M5 9h14v10H5zM12 5v4M9 13v2M15 13v2M12 4.5v.01',
  send: 'M4 4l17 8-17 8 3-8zM7 12h7',
  link: 'M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1',
  bin: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  spinner: 'M12 3a9 9 0 1 0 9 9',
} as const

export type IconName = keyof typeof PATHS

/** A picture beside a word; it says nothing alone. */
export const Icon = ({ name, spins = false }: { name: IconName; spins?: boolean }): JSX.Element => (
  <svg class={spins ? 'icon spin' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
)
