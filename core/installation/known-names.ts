import type { Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import type { ClusterContents } from '#core/installation/cluster-contents.ts'
import { ENGINES, type Engine } from '#core/installation/datastores.ts'
import type { Installation } from '#core/installation/installation.ts'
import { type Inventory, isUnreadable } from '#core/installation/inventory.ts'
import type { Store, Stored } from '#core/store.ts'

/**
 * The names that the last look at an installation has found, for whoever must not wait for the network: what the
 * shell offers at Tab. Each kind is remembered by itself, as a tunnel to one database asks for no other.
 */
export interface KnownNames {
  readonly datastores: readonly string[]
  /** Undefined where the cluster has not been asked of late. */
  readonly contents: ClusterContents | undefined
}

/** What a look has found; a kind that was not looked for, or not in full, is left out. */
export interface FoundNames {
  readonly datastores: Readonly<Partial<Record<Engine, readonly string[]>>>
  readonly contents?: ClusterContents | undefined
}

type Place = Pick<Installation, 'account' | 'region' | 'workspace'>

/** Older names are not offered: things come and go. */
const LIFETIME: Ms = 7 * 24 * 60 * 60_000
const WRITE_ATTEMPTS = 5

/** The names in an inventory of which `engines`, and the cluster's contents if they are there, were looked for. */
export function namesIn(inventory: Inventory, engines: readonly Engine[]): FoundNames {
  const readable = engines.filter((engine) => !isUnreadable(inventory, engine))
  const namesOf = (engine: Engine) =>
    inventory.datastores.filter((store) => store.engine === engine).map(({ name }) => name)
  return {
    datastores: Object.fromEntries(readable.map((engine) => [engine, namesOf(engine)])),
    contents: inventory.contents,
  }
}

/** What is known of the installation's names, read from this computer alone; memory that is of no use is none. */
export async function recallNames(store: Store, place: Place, now: Ms): Promise<KnownNames> {
  const document = recordOf(documentOf(await readOrNothing(store, keyOf(place))))
  const entries = ENGINES.map((engine) => entryOf(document[engine], now))
  const contents = recordOf(entryOf(document['contents'], now))
  const { services, monitors } = contents
  return {
    datastores: entries.flatMap((names) => (isNames(names) ? names : [])),
    contents: isNames(services) && isNames(monitors) ? { services, monitors } : undefined,
  }
}

/** Remembers what was found; a computer that cannot has less to offer, and nothing fails. */
export async function rememberNames(store: Store, place: Place, found: FoundNames, now: Ms): Promise<void> {
  const { contents } = found
  const news = Object.entries({ ...found.datastores, ...(contents && { contents }) })
  if (news.length === 0) return
  const key = keyOf(place)
  const entries = Object.fromEntries(news.map(([kind, value]) => [kind, { value, at: now }]))
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
    try {
      const stored = await readOrNothing(store, key)
      const expected = stored === 'spoilt' ? undefined : (stored?.version ?? 'absent')
      await store.write(key, { ...recordOf(documentOf(stored)), ...entries }, expected)
      return
    } catch (error) {
      if (isPgctlError(error, 'state-conflict')) continue
      if (isPgctlError(error, 'state-invalid')) return
      throw error
    }
  }
}

function keyOf({ account, region, workspace }: Place): string {
  return `names/${account}/${region}/${workspace.toLowerCase()}`
}

/** What is no document any more is written over. */
async function readOrNothing(store: Store, key: string): Promise<Stored | 'spoilt' | undefined> {
  try {
    return await store.read(key)
  } catch (error) {
    if (isPgctlError(error, 'state-invalid')) return 'spoilt'
    throw error
  }
}

function documentOf(stored: Stored | 'spoilt' | undefined): unknown {
  return stored === 'spoilt' ? undefined : stored?.value
}

/** What one entry holds while it is fresh; a clock that was turned back makes none older. */
function entryOf(entry: unknown, now: Ms): unknown {
  const { value, at } = recordOf(entry)
  return typeof at === 'number' && now - at < LIFETIME ? value : undefined
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string')
}
