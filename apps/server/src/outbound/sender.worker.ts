/** The thread that performs a webhook sender's requests: a lane advances with this loop, not with the busy main one. */
import { parentPort, workerData } from 'node:worker_threads'
import { guardedConnect } from './guarded-connect.js'
import { attempt } from './http-request.js'
import { LaneRunner, type Request } from './lane-runner.js'
import { brokenBy } from './send-failure.js'
import { type Command, ReportWriter, type SenderSettings } from './sender-messages.js'
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

const request: Request = (target, item, done, queue) => {
  let route: Route
  try {
    route = routes.get(target, Date.now())
  } catch (error) {
    return done(brokenBy(error, false))
  }
  const { timeoutMs } = target
  attempt(route, item, timeoutMs === undefined ? settings : { ...settings, timeoutMs }, done, queue)
}

// Node has a list of timers for each duration. One that stays keeps the list, which a lane would make anew for each of
// its requests.
setInterval(() => undefined, settings.timeoutMs).unref()

const report = new ReportWriter((marks) => port.postMessage(marks))
const runner = new LaneRunner(request, report, settings.perTargetConcurrency)

port.on('message', (commands: Command[]) => {
  for (const command of commands) {
    switch (command.type) {
      case 'push':
        runner.push(command.lane, command.generation, command.target, command.items)
        break
      case 'cancel':
        runner.cancel(command.lane)
        break
      case 'close':
        runner.close(() => report.drained())
        break
    }
  }
})
