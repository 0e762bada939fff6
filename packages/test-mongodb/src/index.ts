/**
 * A MongoDB server for tests: `MONGODB_URL`, a `mongod` on the PATH, SecantusDB from PyPI (installed at first use), or
 * `mongodb-memory-server` where it is installed. Never part of what is published.
 * @packageDocumentation
 */
export { type Rewrite, type RewrittenServer, rewriteAnswers } from './answers.js'
export { type Fault, failNext, failNoMore } from './faults.js'
export { type MongodbServer, type StartOptions, startMongodb } from './server.js'
