import { PlugboardError } from '@plugboard/core'
import type { Hub, Operator } from '@plugboard/hub'
import type { Identity } from './oidc.js'

/**
 * The operator that an identity is: by its subject, and the first time by its e-mail address, if the provider has checked
 * it. With OIDC_ROLES (`hasRoles`), the provider decides who may sign in and with which role, at each sign-in.
 * @throws FORBIDDEN
 */
export async function operatorFor(
  { operators }: Pick<Hub, 'operators'>,
  identity: Identity,
  hasRoles: boolean,
): Promise<Operator> {
  const { subject, email, isVerified, name, role } = identity
  if (hasRoles && !role) throw refused('none of the roles in OIDC_ROLES is yours')
  const known =
    (await operators.findSubject(subject)) ??
    (email !== undefined && isVerified ? await operators.find({ email }) : undefined)
  if (known) {
    const other = known.subject
    if (other && (other.issuer !== subject.issuer || other.id !== subject.id))
      throw refused('another person of the provider already is the operator with your e-mail address')
    if (known.subject && (!role || role === known.role)) return known
    return operators.change(known.id, (now) => ({ ...now, subject, ...(role && { role }) }))
  }
  if (email === undefined) throw refused('the provider does not say your e-mail address')
  if (!role)
    throw refused(
      isVerified
        ? `there is no operator with the e-mail address ${email}: ask an administrator to create it`
        : 'the provider does not say that your e-mail address is verified',
    )
  return operators.create({ email, role, subject, ...(name !== undefined && { name }) })
}

const refused = (reason: string): PlugboardError => new PlugboardError('FORBIDDEN', reason)
