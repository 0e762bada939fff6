import type { Content } from '../content.js'

const choices = [
  { title: 'Größe „M“ 👕', value: 'm' },
  { title: '', value: 'untitled' },
]

const card = {
  title: 'Schöne Grüße 👋',
  subtitle: '日本語の説明',
  image: 'https://media.example/picture.png',
  actions: [
    { action: 'Say something' as const, title: 'Ja ✅', text: 'ja' },
    { action: 'Open URL' as const, title: 'Ansehen', url: 'https://shop.example/?q=ä&b=1' },
    { action: 'Postback' as const, title: '', payload: 'untitled' },
  ],
}

/**
 * Contents of every type, with texts beyond ASCII, empty titles, no optional field at all, and files at `http` addresses,
 * which some providers reject.
 */
export const contentSamples = [
  { type: 'text', text: 'Grüße, 世界 👋 <b>&amp;</b> *_~`' },
  { type: 'text', text: '**bold** [link](https://example.com)', markdown: true },
  { type: 'image', image: 'https://media.example/picture.png', title: 'Ein Bild 🖼' },
  { type: 'image', image: 'https://media.example/picture.png', title: '' },
  { type: 'image', image: 'https://media.example/picture.png' },
  { type: 'audio', audio: 'https://media.example/song.mp3', title: 'Lied ♫' },
  { type: 'audio', audio: 'https://media.example/song.mp3' },
  { type: 'voice', audio: 'https://media.example/voice.ogg' },
  { type: 'video', video: 'https://media.example/film.mp4', title: 'Фильм' },
  { type: 'video', video: 'https://media.example/film.mp4' },
  { type: 'file', file: 'https://media.example/rechnung.pdf', title: 'Rechnung №1' },
  { type: 'file', file: 'https://media.example/rechnung.pdf', title: '' },
  { type: 'image', image: 'http://media.example/picture.png', title: 'Über http' },
  { type: 'audio', audio: 'http://media.example/song.mp3' },
  { type: 'voice', audio: 'http://media.example/voice.ogg' },
  { type: 'video', video: 'http://media.example/film.mp4', title: 'Über http' },
  { type: 'file', file: 'http://media.example/rechnung.pdf', title: 'Über http' },
  { type: 'card', title: 'Über http', image: 'http://media.example/picture.png', actions: [] },
  { type: 'location', latitude: 0, longitude: 0 },
  {
    type: 'location',
    latitude: 46.8139,
    longitude: -71.208,
    title: 'Québec',
    address: 'Côte de la Fabrique 2',
  },
  { type: 'card', ...card },
  { type: 'card', title: 'Alone', actions: [] },
  { type: 'carousel', items: [card, { title: 'Alone', actions: [] }] },
  { type: 'single-choice', text: 'Welche Größe?', choices },
  {
    type: 'template',
    name: 'order_update',
    language: 'de',
    parameters: ['Žofie', '№ 7'],
    text: '**Bestellung № 7** ist unterwegs 👋',
    markdown: true,
  },
  { type: 'template', name: 'hello_world', language: 'en_US' },
  { type: 'dropdown', message: 'Stadt?', options: [{ label: 'Montréal', value: 'yul' }] },
] satisfies Content[]
