/**
 * The store of Plugboard on MongoDB, and its blobs in GridFS.
 * @packageDocumentation
 */
export { type MongoBlobsOptions, openMongoBlobs } from './blobs.js'
export { type MongoStoreOptions, openMongoStore } from './open.js'
