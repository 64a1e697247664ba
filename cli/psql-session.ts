import { authoritiesFor, authoritiesNamed } from './datastore-authorities.ts'
import type { DatastoreTelling } from './datastore-opening.ts'
import { findWays } from './datastore-ways.ts'
import type { Surroundings } from './deps.ts'
import { findProgram } from './find-program.ts'
import { type PsqlRun, runPsqlBy } from './psql-run.ts'

/**
 * Finds a database of the installation, runs psql against it, and answers its exit status.
 * @throws PgctlError where psql is missing, the database or its login is not found, or its certificate is not trusted.
 */
export async function runPsql(
  surroundings: Surroundings,
  run: PsqlRun,
  tell: DatastoreTelling,
  signal: AbortSignal,
): Promise<number> {
  const { environment } = surroundings
  const path = findProgram('psql', environment)
  const named = authoritiesNamed(surroundings)
  const ways = await findWays(surroundings, run, tell, signal)
  const authorities = await authoritiesFor(ways.endpoint.host, named, surroundings)
  return await runPsqlBy({ path, environment, ways, authorities }, run, tell, signal)
}
