import { PgctlError } from '#core/errors.ts'
import type { Datastore, Engine } from '#core/installation/datastores.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { nearest } from '#core/text/nearest.ts'

export interface DatastoreWish {
  readonly engine: Engine
  /** As it was typed: `hermes` or `postgres-hermes`; undefined for the only one. */
  readonly name: string | undefined
  /** One that takes no writes, instead of the one that does. */
  readonly reader: boolean
  /** What the next command of an error begins with: `pgctl psql`. */
  readonly command: string
}

/**
 * The datastore that is meant. Without a name it is the one that bears its engine's, which no replica does, or a
 * member of the only cluster that there is.
 * @throws PgctlError `target-unknown` with the nearest names; `ambiguous-name` with all; the refusal where the engine's
 * datastores could not be looked for.
 */
export function chooseDatastore(
  found: readonly Datastore[],
  unreadable: readonly Unreadable[],
  wish: DatastoreWish,
): Datastore {
  const { engine, name, command } = wish
  const stores = found.filter((store) => store.engine === engine)
  const store = stores.find((candidate) => isCalled(candidate, name)) ?? memberOf(stores, name)
  // Which member of a cluster takes writes, and which only read, the cluster's own addresses know.
  if (store?.access?.cluster !== undefined) return store
  if (store !== undefined) return wish.reader ? readerOf(store, stores, command) : store
  const refused = unreadable.find(({ part }) => part === engine)
  if (refused !== undefined) throw refused.error
  const names = stores.map((each) => each.name)
  if (names.length === 0)
    throw new PgctlError('target-unknown', `this installation has no ${engine}`, {
      why: 'none was found by the names of its product',
      next: 'see what there is: pgctl status',
    })
  if (name === undefined)
    throw new PgctlError('ambiguous-name', `there are several ${engine} datastores`, {
      why: names.join(', '),
      next: `name one: ${command} ${names[0]}`,
    })
  const partOf = (text: string) => (text.startsWith(`${engine}-`) ? text.slice(engine.length + 1) : text)
  const parts = new Map(names.map((each) => [partOf(each), each]))
  const near = nearest(partOf(name), parts.keys()).map((part) => parts.get(part) ?? part)
  throw new PgctlError('target-unknown', `no ${engine} is called ${name}`, {
    why: `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}`,
    next: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `name one: ${command} ${names[0]}`,
  })
}

function isCalled({ name, engine, id }: Datastore, wanted: string | undefined): boolean {
  if (wanted === undefined) return name === engine
  return [name, id].includes(wanted.toLowerCase()) || name === `${engine}-${wanted.toLowerCase()}`
}

/** Any member of the cluster that is named, or of the only one where there is nothing else. */
function memberOf(stores: readonly Datastore[], name: string | undefined): Datastore | undefined {
  const clusters = new Set(stores.map(({ access }) => access?.cluster))
  const wanted = name?.toLowerCase() ?? (clusters.size === 1 ? [...clusters][0] : undefined)
  return wanted === undefined ? undefined : stores.find(({ access }) => access?.cluster === wanted)
}

/** What follows it, or itself by an address of its own for readers. */
function readerOf(store: Datastore, stores: readonly Datastore[], command: string): Datastore {
  if (store.topology === 'replica') return store
  const readers = store.access?.readers ?? []
  if (readers.length > 0) return { ...store, endpoints: readers }
  const [replica] = stores.filter(({ access }) => access?.follows === store.id)
  if (replica !== undefined) return replica
  throw new PgctlError('target-unknown', `${store.name} has no reader`, {
    why: 'nothing follows it, and it has no address of its own for readers',
    next: `leave out --reader: ${command} ${store.name}`,
  })
}
