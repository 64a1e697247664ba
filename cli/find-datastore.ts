import { chooseDatastore } from '#core/datastores/choose.ts'
import { PgctlError } from '#core/errors.ts'
import type { Datastore, Endpoint } from '#core/installation/datastores.ts'
import { datastoreTarget } from '#core/tunnel/resolve-target.ts'
import type { Deps } from './deps.ts'
import { lookForDatastores } from './tunnel-goal.ts'

/** Which datastore is meant. */
export interface DatastoreWish {
  readonly engine: 'postgres' | 'redis'
  readonly name: string | undefined
  readonly reader: boolean
}

/** A datastore that was found, as plain data. */
export interface DatastoreFacts {
  readonly store: Datastore
  /** Its own address, as it was asked for. */
  readonly endpoint: Endpoint
  /** Under which hosts its login may be kept. */
  readonly hosts: readonly string[]
}

/** Finds the datastore that is meant. @throws PgctlError of `chooseDatastore`, and where it has no address yet. */
export async function findDatastore(
  deps: Deps,
  { engine, name, reader }: DatastoreWish,
  signal: AbortSignal,
): Promise<DatastoreFacts> {
  const { datastores, unreadable } = await lookForDatastores(deps, [engine], signal)
  const command = engine === 'postgres' ? 'pgctl psql' : 'pgctl redis'
  const chosen = chooseDatastore(datastores, unreadable, { engine, name, reader, command })
  const store = await asWhole(deps, chosen, reader, signal)
  const { host, port } = datastoreTarget(store)
  const related = datastores.filter(({ id }) => id === store.id || id === store.access?.follows)
  const own = store.endpoints.map((each) => each.host)
  const hosts = [host, ...own, ...related.flatMap(({ endpoints }) => endpoints.map((each) => each.host))]
  return { store, endpoint: { host, port }, hosts }
}

/** A member of a cluster is entered by the cluster's own address: of the member that takes writes, or of those that read. */
async function asWhole(
  deps: Deps,
  store: Datastore,
  reads: boolean,
  signal: AbortSignal,
): Promise<Datastore> {
  const id = store.access?.cluster
  if (id === undefined) return store
  const { writer, reader, secret } = await deps.databaseCluster(id, signal)
  if (reads && reader === undefined)
    throw new PgctlError('target-unknown', `the cluster ${id} has no reader`, {
      why: 'it has no address for readers',
      next: 'leave out --reader',
    })
  const endpoints = [reads && reader !== undefined ? reader : writer, writer]
  return { ...store, endpoints, access: { ...store.access, secret: secret ?? store.access?.secret } }
}
