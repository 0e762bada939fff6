import { type Id, isId } from '@plugboard/core'
import type { PullLaneRef } from '../log/pull-lane.js'

/** Where an event of a pull webhook is, and the lease that gave it. */
export interface PullPosition extends PullLaneRef {
  seq: number
  fence: number
}

/** Longest text of a position. */
export const MAX_POSITION = 120

const PATTERN = /^([0-9a-f]{24})\.([0-9a-f]{24})\.(\d{1,10})\.(\d{1,10})(?:\.(\d{1,10}-\d{1,15}))?$/

/** As text: readers treat it as opaque. */
export const textOfPosition = ({ webhookId, streamId, seq, fence, replay }: PullPosition): string =>
  [webhookId, streamId, seq, fence, ...(replay === undefined ? [] : [replay])].join('.')

/** Undefined for any other text. Its parts are of the caller's choice. */
export function positionOf(text: string): PullPosition | undefined {
  const [, webhookId = '', streamId = '', seq, fence, replay] =
    text.length > MAX_POSITION ? [] : (PATTERN.exec(text) ?? [])
  if (!isId(webhookId) || !isId(streamId)) return undefined
  const place = { webhookId: webhookId as Id, streamId: streamId as Id }
  return { ...place, seq: Number(seq), fence: Number(fence), ...(replay !== undefined && { replay }) }
}

/** Of the lane of an event. */
export const laneKey = ({
  webhookId,
  streamId,
  replay = '',
}: Pick<PullPosition, 'webhookId' | 'streamId' | 'replay'>) => `${webhookId} ${streamId} ${replay}`
