import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'

/** The one document that holds the local port of every tunnel: `{"WORKSPACE/TARGET": port}`. */
const KEY = 'tunnel-ports'

/** Of several that write at once each round lets one through, and a command opens a handful of tunnels. */
const WRITE_ATTEMPTS = 20

/** The local port that was used for this target before, if any. */
export async function readSavedPort(
  store: Store,
  workspace: string,
  target: string,
): Promise<number | undefined> {
  const stored = await store.read(KEY)
  return stored && parseAssignments(stored.value)[`${workspace}/${target}`]
}

/** Remembers the local port of a target; writes nothing when it is known already. */
export async function savePort(store: Store, workspace: string, target: string, port: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const stored = await store.read(KEY)
    const assignments = stored ? parseAssignments(stored.value) : {}
    if (assignments[`${workspace}/${target}`] === port) return
    const changed = { ...assignments, [`${workspace}/${target}`]: port }
    try {
      await store.write(KEY, changed, stored?.version ?? 'absent')
      return
    } catch (error) {
      if (attempt === WRITE_ATTEMPTS || !isPgctlError(error, 'state-conflict')) throw error
    }
  }
}

/** Checks the document's shape; `state-invalid` otherwise. */
function parseAssignments(value: unknown): Readonly<Record<string, number>> {
  if (isRecord(value) && Object.values(value).every(isPort)) return value as Record<string, number>
  throw new PgctlError('state-invalid', `the saved ports of tunnels (${KEY}.json) cannot be used`, {
    why: 'the document does not map targets to port numbers',
    next: `remove ${KEY}.json from the state folder (pgctl config shows where); tunnels then take their default ports again`,
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
}
