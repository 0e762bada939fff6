const PATHS = {
  attach:
    'm20 11.5-8.2 8.2a5 5 0 0 1-7.1-7.1l8.5-8.5a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4l7.7-7.7',
  back: 'M19 12H5m6-6-6 6 6 6',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6 6 18',
  down: 'M12 5v14m6-6-6 6-6-6',
  file: 'M13.5 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8.5L13.5 3Zm0 0v5.5H19',
  left: 'm14.5 6-6 6 6 6',
  menu: 'M5 12h.01M12 12h.01M19 12h.01',
  place: 'M12 21s7-6.1 7-11.2A7 7 0 0 0 5 9.8C5 14.9 12 21 12 21Zm0-8.7a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  right: 'm9.5 6 6 6-6 6',
  send: 'M12 19V5m-6.5 6.5L12 5l6.5 6.5',
  thumbDown:
    'M17 13.5V4h3v9.5h-3Zm0 0-4 7c-1.4 0-2.3-1-2-2.5l.7-3.5H6a2 2 0 0 1-2-2.4l1.2-6.5A2 2 0 0 1 7.2 4H17',
  thumbUp:
    'M7 10.5V20H4v-9.5h3Zm0 0 4-7c1.4 0 2.3 1 2 2.5l-.7 3.5H18a2 2 0 0 1 2 2.4l-1.2 6.5a2 2 0 0 1-2 1.6H7',
} as const

export type IconName = keyof typeof PATHS

/** A picture beside words or a label, so it says nothing itself. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
)
