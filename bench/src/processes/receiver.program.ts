/** A receiver of webhooks that does nothing but count. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { now } from '../statistics.js'
import { answerQuestions } from './questions.js'
import type { Arrivals, Mood } from './receiver.js'

const none: Arrivals = { count: 0, firstAt: 0, lastAt: 0, refused: 0 }

let mood: Mood = 'accept'
let arrivals = { ...none }

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (mood === 'hang') return
    if (mood === 'refuse') arrivals.refused += 1
    else {
      arrivals.lastAt = now()
      if (arrivals.count === 0) arrivals.firstAt = arrivals.lastAt
      arrivals.count += 1
    }
    response.writeHead(mood === 'accept' ? 200 : 503, { 'content-length': '0' }).end()
  })
})

answerQuestions({
  become(next: Mood) {
    mood = next
  },
  reset() {
    arrivals = { ...none }
  },
  arrivals: () => arrivals,
})

server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
