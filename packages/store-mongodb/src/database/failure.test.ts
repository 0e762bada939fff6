import { PlugboardError } from '@plugboard/core'
import { mongo } from 'mongoose'
import { describe, expect, test } from 'vitest'
import { toOpenError, toStoreError } from './failure.js'

const server = (code: number, errorLabels: string[] = []) =>
  new mongo.MongoServerError({ message: 'no', code, errorLabels })

/** As the driver tells of a bulk of which no single write was refused. */
const bulk = (inner: Error) => new mongo.MongoBulkWriteError(inner as never, {} as never)

describe('an error of the driver', () => {
  test.each([
    ['a lost connection', new mongo.MongoNetworkError('closed'), 'UNAVAILABLE'],
    ['a connection that was lost in a bulk', bulk(new mongo.MongoNetworkError('closed')), 'UNAVAILABLE'],
    ['a pipe that broke', Object.assign(new Error('ended'), { code: 'EPIPE' }), 'UNAVAILABLE'],
    ['no primary', server(10_107), 'UNAVAILABLE'],
    ['a step-down', server(189, ['RetryableWriteError']), 'UNAVAILABLE'],
    ['no majority in time', server(64), 'UNAVAILABLE'],
    ['a full disk', server(14_031), 'NO_SPACE'],
    ['a user that is not let in', server(13), 'UNAVAILABLE'],
    ['a unique value twice', server(11_000), 'CONFLICT'],
  ])('for %s has the code of ours', (_, error, code) => {
    expect(toStoreError(error)).toMatchObject({ name: 'PlugboardError', code, cause: error })
  })

  test('for wrong credentials is told apart when the store is opened', () => {
    expect(toOpenError(server(18))).toMatchObject({ code: 'UNAUTHORIZED' })
    expect(toOpenError(new mongo.MongoNetworkError('refused'))).toMatchObject({ code: 'UNAVAILABLE' })
  })

  test.each([
    'mongodb://user:secret@host:99999/x',
    'mongodb://user:secret@[host/x',
    'mongodb://user:sec/ret@host/x',
    'mongodb://user:secret%zz@host/x',
  ])('for an address that never works is final: %s', (url) => {
    let thrown: unknown
    try {
      new mongo.MongoClient(url)
    } catch (error) {
      thrown = toOpenError(error)
    }
    expect(thrown).toMatchObject({ name: 'PlugboardError', code: 'INVALID' })
    expect(String(thrown)).not.toContain('secret')
  })

  test('stays what it is when it is a fault of ours', () => {
    const invalid = new mongo.MongoInvalidArgumentError('bad')
    for (const error of [new TypeError('x'), server(9), invalid, bulk(invalid)]) {
      expect(toStoreError(error)).toBe(error)
    }
    const ours = new PlugboardError('NOT_FOUND', 'no')
    expect(toStoreError(ours)).toBe(ours)
  })
})
