import type { Part } from '@plugboard/core'
import { maxTextAt } from './limits.js'
import type { MessageArgs } from './outbound.js'

/**
 * A message without its file: the caption and the address as a text, or buttons without the picture above them. Undefined
 * for a message without a file, and for one that would be too long.
 */
export function secondForm({ call, args }: Part): Part | undefined {
  // `render` made the args.
  const second = withoutFile(args as MessageArgs)
  return second && { call, args: second }
}

export function withoutFile(args: MessageArgs): MessageArgs | undefined {
  const { channel, custom, image, audio, video, file } = args
  const sent = image ?? audio ?? video ?? file
  if (sent) {
    // MMS and SMS are one conversation.
    const at = channel === 'mms' ? 'sms' : channel
    const sender = at === 'whatsapp' ? '0' : `${at}:0`
    const text = [sent.caption, sent.url].filter(Boolean).join('\n')
    const isShort = text.length <= maxTextAt({ identity: '*', sender, thread: '*' })
    return isShort ? { channel: at, message_type: 'text', text } : undefined
  }
  if (custom?.type !== 'interactive' || !custom.interactive.header) return undefined
  const { header: _, ...interactive } = custom.interactive
  return { ...args, custom: { type: 'interactive', interactive } }
}
