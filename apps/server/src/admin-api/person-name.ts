import type { UserView } from '@plugboard/hub'

/** What a person is called, as far as that is known. */
export function personNameOf({ facts: { givenName, surname } }: Pick<UserView, 'facts'>): string | undefined {
  const name = [givenName, surname].filter(Boolean).join(' ')
  return name === '' ? undefined : name
}
