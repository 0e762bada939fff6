// `npx … start` puts a shell between itself and pnpm. SIGTERM to npx ends that shell and, where sh is dash, goes no
// further: the server would live on and keep the port. `pnpm start` loads this first: once the shell is gone, the
// server gets the SIGTERM it was owed, and drains.
import { existsSync, readFileSync } from 'node:fs'

const proc = (pid, file) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
const parentOf = (pid) => Number(/^PPid:\s*(\d+)/m.exec(proc(pid, 'status'))?.[1] ?? 0)
const isNpx = (pid) => proc(pid, 'cmdline').startsWith('npm exec')

/** The process that npx started on the way to this one, or undefined when there is no npx above. */
function childOfNpx() {
  for (let pid = process.pid, parent = parentOf(pid); parent > 1; pid = parent, parent = parentOf(pid)) {
    if (isNpx(parent)) return pid
  }
  return undefined
}

function watch(pid) {
  const timer = setInterval(() => {
    if (existsSync(`/proc/${pid}`)) return
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  timer.unref()
  // A second signal would cut the draining short. Until the server listens, a signal keeps its default effect.
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      clearInterval(timer)
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
    })
  }
}

// Only Linux has both dash and /proc; where /proc hides other processes, there is nothing to watch.
try {
  const shell = process.platform === 'linux' ? childOfNpx() : undefined
  if (shell) watch(shell)
} catch {}
