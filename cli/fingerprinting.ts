import type { Ms } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { KubeClient } from '#core/kube/client.ts'
import { type HelmRelease, readRelease, readSecret } from '#core/kube/secrets.ts'
import type { ClusterFacts, Fingerprint, KeySecret } from '#core/snapshots/fingerprint.ts'
import { digestKey, keepFingerprint, makeFingerprint } from '#core/snapshots/io/fingerprints.ts'
import { pointId } from '#core/snapshots/naming.ts'
import type { Plan } from '#core/snapshots/plan.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps } from './deps.ts'

/** How long a cluster may take to tell: a point does not wait for it longer. */
const PATIENCE: Ms = 30_000

/** What a profile says of secrets, as the fingerprint takes it. */
export function keySecretsOf({ profile }: Deps): KeySecret[] {
  return Object.entries(profile.keySecrets).map(([name, keys]) => ({ name, keys }))
}

/** The cluster's fingerprint as it is now, over a session of its own; why there is none, where it cannot be had. */
export async function takeFingerprint(deps: Deps, signal: AbortSignal): Promise<Fingerprint | string> {
  const late = new AbortController()
  const cancel = systemClock.after(PATIENCE, () =>
    late.abort(new PgctlError('timed-out', `the cluster did not answer within ${PATIENCE / 1000} s`)),
  )
  try {
    const facts = await readFacts(deps, AbortSignal.any([signal, late.signal]))
    return makeFingerprint(facts, await digestKey(deps.store, deps.installation.workspace, systemRandom))
  } catch (error) {
    signal.throwIfAborted()
    if (!isPgctlError(error) || error.code === 'state-invalid') throw error
    return messageOf(error)
  } finally {
    cancel()
  }
}

/** Keeps a fingerprint for each point that the plan begins. Why there is none, where it cannot be had. */
export async function fingerprintPoints(
  deps: Deps,
  plan: Plan,
  signal: AbortSignal,
): Promise<string | undefined> {
  const points = new Set(
    plan.actions.flatMap((action) => (action.kind === 'create' ? [pointId(action.occasion)] : [])),
  )
  if (points.size === 0) return undefined
  const fingerprint = await takeFingerprint(deps, signal)
  if (typeof fingerprint === 'string') return fingerprint
  for (const point of points)
    await keepFingerprint(deps.store, deps.installation.workspace, point, fingerprint)
  return undefined
}

async function readFacts(deps: Deps, signal: AbortSignal): Promise<ClusterFacts> {
  const { namespace, profile } = deps
  await using access = await openCluster(deps, {}, signal)
  await using client = new KubeClient(access)
  try {
    const secrets = new Map<string, ReadonlyMap<string, Uint8Array>>()
    for (const { name } of keySecretsOf(deps)) {
      const entries = await readSecret(client, namespace, name, signal)
      if (entries !== undefined) secrets.set(name, entries)
    }
    const releases: HelmRelease[] = []
    for (const name of profile.releases) {
      const release = await readRelease(client, namespace, name, signal)
      if (release !== undefined) releases.push(release)
    }
    return { at: systemClock.now().wall, secrets, releases }
  } catch (error) {
    throw access.explain(error)
  }
}
