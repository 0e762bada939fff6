/** Longest request of Twilio. Texts have 1600 characters, in WhatsApp 4096, and one may take nine bytes in a form. */
export const MAX_BODY_BYTES = 65_536
