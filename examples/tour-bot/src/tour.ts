import type { Content, Payload } from '@plugboard/client'

/** Addresses of the files that the tour shows. Providers must be able to fetch them. */
export interface TourFiles {
  image: string
  audio: string
  video: string
  document: string
}

/** A message of the bot, and what the bot does with it afterwards. */
export interface Step {
  content: Content
  /** Replaces it. */
  editedTo?: Content
  isRemoved?: boolean
}

interface Stop {
  title: string
  steps: Step[]
}

/** What the tour has, by the value of the option that asks for it. */
export function tourOf({ image, audio, video, document }: TourFiles): ReadonlyMap<string, Stop> {
  const shirt = {
    title: 'The shirt',
    subtitle: 'Cotton, in three colours',
    image,
    actions: [
      { action: 'Postback' as const, title: 'Buy', payload: 'buy:shirt' },
      { action: 'Say something' as const, title: 'Ask', text: 'Is it warm?' },
      { action: 'Open URL' as const, title: 'See more', url: 'https://shop.example/shirt' },
    ],
  }
  const cap = {
    ...{ title: 'The cap', subtitle: 'One size fits all', image },
    actions: [{ action: 'Postback' as const, title: 'Buy', payload: 'buy:cap' }],
  }
  const text = (words: string): Content => ({ type: 'text', text: words })
  const stops: Record<string, Stop> = {
    text: {
      title: 'Formatted text',
      steps: [
        {
          content: {
            ...{ type: 'text', markdown: true },
            text: 'This is **bold**, this is _italic_, and this is [a link](https://shop.example).',
          },
        },
      ],
    },
    choices: {
      title: 'Buttons',
      steps: [
        {
          content: {
            ...{ type: 'single-choice', text: 'Which size?' },
            choices: [
              { title: 'Small', value: 'size:s' },
              { title: 'Large', value: 'size:l' },
            ],
          },
        },
      ],
    },
    image: { title: 'A picture', steps: [{ content: { type: 'image', image, title: 'A picture' } }] },
    audio: { title: 'A sound', steps: [{ content: { type: 'audio', audio, title: 'A sound' } }] },
    video: { title: 'A video', steps: [{ content: { type: 'video', video, title: 'A video' } }] },
    document: {
      title: 'A document',
      steps: [{ content: { type: 'file', file: document, title: 'A document' } }],
    },
    card: { title: 'A card', steps: [{ content: { type: 'card', ...shirt } }] },
    carousel: { title: 'Several cards', steps: [{ content: { type: 'carousel', items: [shirt, cap] } }] },
    location: {
      title: 'A place',
      steps: [
        {
          content: {
            ...{ type: 'location', latitude: 48.8584, longitude: 2.2945 },
            ...{ title: 'The tower', address: 'Champ de Mars, Paris' },
          },
        },
      ],
    },
    changes: {
      title: 'Edits and removals',
      steps: [
        { content: text('Your order is being packed.'), editedTo: text('Your order is on its way.') },
        { content: text('This message removes itself.'), isRemoved: true },
      ],
    },
  }
  return new Map(Object.entries(stops))
}

/** The steps after a message of a person: the stop that it asks for, or the answer to a press, and the menu. */
export function stepsAfter(payload: Payload, tour: ReadonlyMap<string, Stop>): Step[] {
  const menu: Step = {
    content: {
      ...{ type: 'dropdown', message: 'What would you like to see?' },
      options: [...tour].map(([value, { title }]) => ({ label: title, value })),
    },
  }
  const picked = 'payload' in payload && typeof payload.payload === 'string' ? payload.payload : undefined
  if (picked === undefined) return [menu]
  const stop = tour.get(picked)
  return stop ? stop.steps : [{ content: { type: 'text', text: `You picked ${picked}.` } }, menu]
}
