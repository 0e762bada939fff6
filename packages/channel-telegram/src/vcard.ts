interface Contact {
  phone_number: string
  first_name: string
  last_name?: string | undefined
  vcard?: string | undefined
}

/** The card that came along, or one of name and number: RFC 2426. */
export function vcardOf({ phone_number, first_name, last_name = '', vcard }: Contact): string {
  if (vcard) return vcard
  const name = [first_name, last_name].filter(Boolean).join(' ')
  const rows = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${escaped(last_name)};${escaped(first_name)};;;`,
    `FN:${escaped(name)}`,
    `TEL:${escaped(phone_number)}`,
    'END:VCARD',
  ]
  return rows.join('\n')
}

const escaped = (text: string): string => text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n')
