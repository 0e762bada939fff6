/** The thread that makes the requests of webhooks: lanes advance with this event loop, not with the busy main one. */
import { parentPort, workerData } from 'node:worker_threads'
// By this path, since a thread that loads all of the package starts in twice the time.
import { monotonicMs, type WebhookAddress } from '@plugboard/hub/transport'
import { guardedConnect } from './guarded-connect.js'
import { type Request, RequestScheduler } from './request-scheduler.js'
import { type Command, Outbox, type Report, type SenderSettings } from './sender-protocol.js'
import { type Route, TargetRoutes } from './target-routes.js'
import { attempt, brokenBy } from './webhook-request.js'

const port = parentPort
if (port === null) throw new Error('sender.worker.js runs as a worker thread only')

const settings: SenderSettings = workerData
const connect = guardedConnect(settings.allowance, { timeoutMs: settings.timeoutMs })
const routes = new TargetRoutes({
  allowance: settings.allowance,
  connect,
  maxPools: settings.maxPools,
  idleMs: settings.poolIdleMs,
})
setInterval(() => routes.closeIdle(Date.now()), settings.poolIdleMs / 4).unref()

const timeoutMsOf = ({ timeoutMs = settings.timeoutMs }: WebhookAddress): number =>
  Math.min(timeoutMs, settings.maxTimeoutMs)

const request: Request = (address, item, done) => {
  let route: Route
  try {
    route = routes.get(address, Date.now())
  } catch (error) {
    return done(brokenBy(error, false))
  }
  attempt(route, item, { ...settings, timeoutMs: timeoutMsOf(address) }, done)
}

const reports = new Outbox<Report>((waiting) => port.postMessage(waiting))
const scheduler = new RequestScheduler({
  request,
  timeoutMsOf,
  perTargetConcurrency: settings.perTargetConcurrency,
  now: monotonicMs,
  listener: {
    delivered(lane, generation, seq, hasMore, facts) {
      const report: Report = { type: 'delivered', lane, generation, seq, facts }
      if (hasMore) reports.addLazily(report)
      else reports.add(report)
    },
    failed: (lane, generation, seq, failure, facts) =>
      reports.add({ type: 'failed', lane, generation, seq, failure, facts }),
    cancelled: (lane, generation) => reports.add({ type: 'cancelled', lane, generation }),
    expired: (lane, generation) => reports.add({ type: 'expired', lane, generation }),
  },
})

function perform(command: Command): void {
  switch (command.type) {
    case 'push': {
      const { lane, generation, address, items, leaseEndsAt } = command
      return scheduler.push(lane, generation, address, items, leaseEndsAt)
    }
    case 'renew':
      return scheduler.renew(command.lane, command.leaseEndsAt)
    case 'cancel':
      return scheduler.cancel(command.lane, command.generation)
    case 'close':
      return scheduler.close(() => reports.add({ type: 'drained' }))
  }
}

port.on('message', (commands: Command[]) => {
  for (const command of commands) perform(command)
})
