import { cacheShelf } from '#core/aws/cache-snapshots.ts'
import type { AwsConnection } from '#core/aws/clients.ts'
import { dbClusterShelf } from '#core/aws/rds-cluster-snapshots.ts'
import { dbInstanceShelf } from '#core/aws/rds-snapshots.ts'
import { refusalReason } from '#core/aws/snapshot-refusals.ts'
import type { ShelfCalls } from '#core/aws/snapshot-shelf.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Shelf } from '#core/snapshots/snapshot.ts'
import type { Outcome, SnapshotApi } from '#core/snapshots/snapshot-api.ts'

type Connect = (region: string) => AwsConnection

/** One connection a region. */
function remembered(connect: Connect): Connect {
  const connections = new Map<string, AwsConnection>()
  return (region) => {
    const connection = connections.get(region) ?? connect(region)
    connections.set(region, connection)
    return connection
  }
}

const SHELF_CALLS: Readonly<Record<Shelf, ShelfCalls>> = {
  'rds-instances': dbInstanceShelf,
  'rds-clusters': dbClusterShelf,
  caches: cacheShelf,
}

/**
 * Snapshots of RDS and ElastiCache; `connect` gives the same caller's connection in a region. Who deletes may be
 * somebody else than who makes.
 */
export function createSnapshotApi(connect: Connect, connectToRemove: Connect = connect): SnapshotApi {
  const connectionIn = remembered(connect)
  const removerIn = connectToRemove === connect ? connectionIn : remembered(connectToRemove)
  return {
    async list(shelf, region, options, signal) {
      const calls = SHELF_CALLS[shelf]
      const connection = connectionIn(region)
      const call = { action: calls.actions.list, purpose: `list the snapshots of ${shelf} in ${region}` }
      try {
        const snapshots = await connection.call(call, signal, () => calls.list(connection, options, signal))
        return { shelf, region, snapshots, missing: undefined }
      } catch (error) {
        if (!(error instanceof PgctlError) || error.code === 'interrupted') throw error
        const missing = error.message.includes(call.purpose)
          ? error.message
          : `cannot ${call.purpose}: ${error.message}`
        return { shelf, region, snapshots: [], missing }
      }
    },
    create: ({ shelf, source, ...request }, signal) =>
      outcome(signal, () =>
        SHELF_CALLS[shelf].create(connectionIn(source.region), { ...request, source }, signal),
      ),
    copy: ({ shelf, region, ...request }, signal) =>
      outcome(signal, () => SHELF_CALLS[shelf].copy(connectionIn(region), request, signal)),
    remove: ({ shelf, region, name }, signal) =>
      outcome(signal, () => SHELF_CALLS[shelf].remove(removerIn(region), name, signal)),
    tag: ({ shelf, region, arn }, change, signal) =>
      outcome(signal, () => SHELF_CALLS[shelf].tag(connectionIn(region), arn, change, signal)),
  }
}

/** A refusal is an answer; only an abort, and a bug, is thrown. */
export async function outcome(
  signal: AbortSignal | undefined,
  request: () => Promise<unknown>,
): Promise<Outcome> {
  signal?.throwIfAborted()
  try {
    await request()
    return { kind: 'accepted' }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof PgctlError)
      return { kind: 'refused', refusal: { reason: reasonOf(error), says: error.why ?? error.message } }
    const { name, Code, code, $metadata } = Object(error) as Record<string, unknown>
    const isAnswer = typeof (Object($metadata) as { httpStatusCode?: unknown }).httpStatusCode === 'number'
    const isNetwork = typeof code === 'string' || name === 'TimeoutError'
    if (!isAnswer && !isNetwork) throw error
    const reason = isAnswer ? refusalReason(String(Code ?? name), messageOf(error)) : 'unreachable'
    const status = (Object($metadata) as { httpStatusCode?: number }).httpStatusCode ?? 0
    return {
      kind: 'refused',
      refusal: {
        reason: reason === 'unknown' && status >= 500 ? 'unreachable' : reason,
        says: messageOf(error),
      },
    }
  }
}

/** What the search for credentials threw on the way. */
function reasonOf({ code }: PgctlError) {
  return code.startsWith('credentials-')
    ? 'credentials'
    : code === 'permission-denied'
      ? 'denied'
      : 'unreachable'
}
