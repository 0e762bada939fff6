import type { Endpoint } from '@plugboard/core'

/** Prefix of numbers on WhatsApp, of people and of the business. */
export const WHATSAPP = 'whatsapp:'

export const isWhatsApp = ({ sender }: Pick<Endpoint, 'sender'>): boolean => sender.startsWith(WHATSAPP)

/** Whether the person can get MMS. Twilio supports it in the United States and Canada only. */
export const hasMms = ({ sender }: Pick<Endpoint, 'sender'>): boolean => sender.startsWith('+1')
