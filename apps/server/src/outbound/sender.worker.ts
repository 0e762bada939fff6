/** The thread that performs a webhook sender's requests: a lane advances with this loop, not with the busy main one. */
import { parentPort, workerData } from 'node:worker_threads'
import { monotonicMs } from '@plugboard/hub'
import { guardedConnect } from './guarded-connect.js'
import { attempt } from './http-request.js'
import { LaneRunner, type Request } from './lane-runner.js'
import { brokenBy } from './send-failure.js'
import { type CommandReceiver, type Commands, readCommands, type SenderSettings } from './sender-commands.js'
import type { WebhookTarget } from './sender-port.js'
import { ReportWriter } from './sender-reports.js'
import { type Route, TargetRoutes } from './target-routes.js'

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

const timeoutMsOf = ({ timeoutMs = settings.timeoutMs }: WebhookTarget): number =>
  Math.min(timeoutMs, settings.maxTimeoutMs)

const request: Request = (target, item, done) => {
  let route: Route
  try {
    route = routes.get(target, Date.now())
  } catch (error) {
    return done(brokenBy(error, false))
  }
  attempt(route, item, { ...settings, timeoutMs: timeoutMsOf(target) }, done)
}

const report = new ReportWriter((marks) => port.postMessage(marks))
const runner = new LaneRunner({
  ...{ request, timeoutMsOf, listener: report, now: monotonicMs },
  perTargetConcurrency: settings.perTargetConcurrency,
})
const receiver: CommandReceiver = {
  push: (...what) => runner.push(...what),
  renew: (lane, leaseEndsAt) => runner.renew(lane, leaseEndsAt),
  cancel: (lane) => runner.cancel(lane),
  close: () => runner.close(() => report.drained()),
}
port.on('message', (commands: Commands) => readCommands(commands, receiver))
