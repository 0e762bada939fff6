import type { Endpoint } from '@plugboard/core'

/** Before the numbers of people on WhatsApp, and before ours there. */
export const WHATSAPP = 'whatsapp:'

export const isWhatsApp = ({ sender }: Pick<Endpoint, 'sender'>): boolean => sender.startsWith(WHATSAPP)

/** Whether pictures arrive with a message. Twilio's MMS goes to the United States and Canada only. */
export const hasMms = ({ sender }: Pick<Endpoint, 'sender'>): boolean => sender.startsWith('+1')
