import type { ZodError } from 'zod'

/** All that is wrong, on one line. */
export function clausesOf({ issues }: ZodError): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ')
}
