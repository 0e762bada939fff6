import 'vitest'
import type { TestProject } from 'vitest/node'
import { startMongodb } from './server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where a MongoDB server listens; undefined where there is none, which CI takes for a failure. */
    mongodbUrl: string | undefined
  }
}

/** Where the server's answers are timed, a database on the same machine must not take its processor. */
const isTimed = ({ name }: TestProject): boolean => name.includes('under attack')

/** One server for a whole run of vitest: the `globalSetup` of the projects that need one. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  try {
    const server = await startMongodb({ niceness: isTimed(project) ? 10 : 0 })
    console.log(`MongoDB for ${project.name}: ${server.kind}`)
    project.provide('mongodbUrl', server.url)
    return server.stop
  } catch (error) {
    if (process.env.CI) throw error
    console.error(`\n*** NOT RUN: all tests of ${project.name} that need MongoDB. ${String(error)} ***\n`)
    project.provide('mongodbUrl', undefined)
    return undefined
  }
}
