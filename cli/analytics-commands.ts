import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { Ledger } from '#core/vendor/ledger.ts'
import { RELEASE } from '#core/vendor/release.ts'
import { readSwitch, type SwitchState, turnSwitch } from '#core/vendor/switches.ts'
import { type ProductSwitch, productSwitch, turnProductSwitch } from './analytics-product.ts'
import type { Surroundings } from './deps.ts'
import { licensedInstallation } from './license-wiring.ts'
import { paths } from './paths.ts'
import { ledgerOf } from './vendor-wiring.ts'

/** How analytics stand: what the product does, and what this computer may. */
export interface AnalyticsState extends SwitchState {
  /** Undefined where only this computer was asked about. */
  readonly product: ProductSwitch | undefined
  /** Reports in the ledger, and those behind the row that switched them off. */
  readonly sent: number
  readonly sentSinceOff: number | undefined
  /** What the network's logs show since they are off; undefined where none were given, or they are on. */
  readonly flows: FlowsSinceOff | undefined
}

export interface FlowsSinceOff {
  readonly since: Ms
  /** Flows of the product's workloads to the vendor, and those that nobody has explained. */
  readonly toVendor: number
  readonly unexplained: number
  /** Names that were looked up: without any nobody knows which address is the vendor's. */
  readonly lookups: number
  /** Flows that the logs hold from then on: without any they say nothing about that time. */
  readonly read: number
}

export interface AnalyticsWishes {
  /** Only what this computer may send. */
  readonly local: boolean
  readonly signal: AbortSignal
}

function wire(surroundings: Surroundings) {
  const here = licensedInstallation(surroundings)
  const store = createFileStore({ folder: paths(surroundings.environment).state, clock: systemClock })
  return { store, ledger: ledgerOf(store, here), installation: here.id }
}

export async function analyticsState(
  surroundings: Surroundings,
  { local, signal, sources = [] }: AnalyticsWishes & { readonly sources?: readonly string[] },
): Promise<AnalyticsState> {
  const { store, ledger, installation } = wire(surroundings)
  const state = await readSwitch(store, installation, 'analytics')
  const review = await ledger.review()
  const off = review.off.find(({ kind }) => kind === 'analytics')
  const since = off === undefined ? undefined : await momentOf(ledger, off.since)
  const [product, flows] = await Promise.all([
    local ? undefined : productSwitch(surroundings, signal),
    since === undefined || sources.length === 0
      ? undefined
      : flowsSince(surroundings, { sources, since, signal }),
  ])
  return { ...state, product, sent: review.sent.analytics, sentSinceOff: off?.sentSince, flows }
}

/** Off holds here before the product is told, and on only when it has been. */
export async function turnAnalytics(
  surroundings: Surroundings,
  on: boolean,
  { local, signal }: AnalyticsWishes,
): Promise<{
  readonly state: SwitchState
  readonly product: ProductSwitch | undefined
  readonly changed: boolean
}> {
  const here = wire(surroundings)
  const turnHere = () => turnSwitch(here, 'analytics', on, 'person')
  if (local) return { ...(await turnHere()), product: undefined }
  if (!on) {
    const mine = await turnHere()
    const product = await turnProductSwitch(surroundings, on, signal)
    return { state: mine.state, product: product.state, changed: mine.changed || product.changed }
  }
  const product = await turnProductSwitch(surroundings, on, signal)
  const mine = await turnHere()
  return { state: mine.state, product: product.state, changed: mine.changed || product.changed }
}

async function momentOf(ledger: Ledger, seq: number): Promise<Ms> {
  return Date.parse((JSON.parse((await ledger.line(seq)) ?? '{}') as { at: string }).at)
}

async function flowsSince(
  surroundings: Surroundings,
  {
    sources,
    since,
    signal,
  }: { readonly sources: readonly string[]; readonly since: Ms; readonly signal: AbortSignal },
): Promise<FlowsSinceOff> {
  // No address would be the vendor's then, and that would look like a proof.
  if (RELEASE === undefined)
    throw new PgctlError('not-supported', 'this pgctl belongs to no vendor, so it knows no address of one', {
      why: 'it was built from the open sources, and no flow could be told to go to the vendor',
      next: "use the pgctl that the product's vendor gives out",
    })
  const { diffEgress } = await import('./egress-diff.ts')
  const age = Math.max(0, systemClock.now().wall - since)
  const { sorted, lookups, flows } = await diffEgress(surroundings, {
    ...{ sources, workloads: [], discover: true, deployed: false, since: age, after: since, signal },
  })
  const count = (bundles: readonly { readonly flows: number }[]) =>
    bundles.reduce((sum, { flows }) => sum + flows, 0)
  return {
    since,
    toVendor: count(sorted.workload.filter(({ toVendor }) => toVendor)),
    unexplained: count(sorted.unexplained),
    lookups,
    read: flows,
  }
}
