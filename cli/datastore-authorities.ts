import { type Authorities, namedAuthorities, usualAuthorities } from '#core/datastores/io/authorities.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'

/** The authorities that were named. @throws PgctlError `config-invalid` for a file without any */
export function authoritiesNamed(surroundings: Surroundings): Authorities | undefined {
  const { ca } = loadConfig(surroundings).settings
  return ca.value === undefined ? undefined : namedAuthorities(ca.value)
}

/** Those that count for a host: the ones that were named, or the usual ones. */
export async function authoritiesFor(
  host: string,
  named: Authorities | undefined,
  { environment }: Surroundings,
): Promise<Authorities> {
  return named ?? (await usualAuthorities(host, environment))
}
