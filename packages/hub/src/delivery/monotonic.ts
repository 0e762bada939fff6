/**
 * Milliseconds of a clock that never jumps and is the same in every thread of this process. Ends of leases are given on
 * it, since a change of the system's time must not make a lease longer.
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6
