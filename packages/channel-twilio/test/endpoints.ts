/** Where the tests send to. */
export const endpoints = {
  /** In the United States or Canada, where MMS exists. */
  sms: { identity: '+15557122661', sender: '+14155550123', thread: '*' },
  smsElsewhere: { identity: '+15557122661', sender: '+4915112345678', thread: '*' },
  whatsApp: { identity: 'whatsapp:+14155238886', sender: 'whatsapp:+4915112345678', thread: '*' },
} as const
