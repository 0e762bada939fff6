/** The roles, with what each may do. */
export const ROLES = [
  ['viewer', 'Viewer: looks'],
  ['operator', 'Operator: replays, pauses, sends'],
  ['admin', 'Admin: clients and operators too'],
] as const
