import type { Store } from '#core/store.ts'
import type { VendorKind } from './kinds.ts'
import type { Ledger } from './ledger.ts'
import type { Trigger } from './rows.ts'

/**
 * Kinds that somebody has switched off. The door asks before each request, and the ledger holds when it was: from that
 * row on `egress verify` counts what was sent all the same, which is nothing.
 */

/** Only what nothing depends on can be switched off. */
export const SWITCHABLE = ['analytics'] as const satisfies readonly VendorKind[]
export type SwitchableKind = (typeof SWITCHABLE)[number]

export interface SwitchState {
  readonly on: boolean
  /** The row that says so; undefined where nobody has ever turned it. */
  readonly row: number | undefined
}

const placeOf = (installation: string, kind: VendorKind) => `egress/${installation}/switches/${kind}`

/** How a switch stands; one whose state cannot be read is off. */
export async function readSwitch(store: Store, installation: string, kind: VendorKind): Promise<SwitchState> {
  const stored = await store.read(placeOf(installation, kind))
  if (stored === undefined) return { on: true, row: undefined }
  const { on, row } = Object(stored.value) as { readonly on?: unknown; readonly row?: unknown }
  return { on: on === true, row: typeof row === 'number' ? row : undefined }
}

/**
 * Turns a switch, and gives its state. Off holds from before its row is written, on from after: in between, nothing of
 * the kind leaves.
 */
export async function turnSwitch(
  {
    store,
    ledger,
    installation,
  }: { readonly store: Store; readonly ledger: Ledger; readonly installation: string },
  kind: SwitchableKind,
  on: boolean,
  trigger: Trigger,
): Promise<{ readonly state: SwitchState; readonly changed: boolean }> {
  const before = await readSwitch(store, installation, kind)
  if (before.on === on && before.row !== undefined) return { state: before, changed: false }
  const place = placeOf(installation, kind)
  if (!on) await store.write(place, { on: false, row: null })
  const row = await ledger.append({ event: 'switch', kind, on, trigger })
  await store.write(place, { on, row })
  return { state: { on, row }, changed: true }
}
