/**
 * The store of Plugboard on MongoDB.
 * @packageDocumentation
 */
export { type MongoStoreOptions, openMongoStore } from './open.js'
