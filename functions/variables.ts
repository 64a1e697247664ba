import { PgctlError } from '#core/errors.ts'

declare const PGCTL_VERSION: string

/** A variable of the function, which its template sets. @throws PgctlError `config-invalid` where it does not. */
export function variableOf(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name]
  if (value) return value
  throw new PgctlError('config-invalid', `the variable ${name} of the function is not set`, {
    next: 'deploy the stack anew: its template sets it',
  })
}

/** The version of pgctl that the function is of. */
export function versionOf(): string {
  return typeof PGCTL_VERSION === 'undefined' ? '0.0.0' : PGCTL_VERSION
}
