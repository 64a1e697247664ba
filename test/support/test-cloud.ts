import type { Clock, Ms } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type AccessKey, makeAccessKey } from '#sandbox/aws/identity.ts'
import type { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { type Authority, createAuthority } from '#sandbox/certificates.ts'
import { type Cloud, startCloud } from '#sandbox/cloud.ts'
import { WORLD } from '#sandbox/world.ts'

/** The cloud's side of a sandbox without agents and services, for tests that play those themselves. */
export interface TestCloud extends AsyncDisposable {
  readonly cloud: Cloud
  readonly authority: Authority
  readonly operator: AccessKey
  readonly agent: AccessKey
  readonly adminSecret: string
  /** The endpoint by plain HTTP and by TLS. */
  readonly url: string
  readonly secureUrl: string
}

export async function startTestCloud(
  options: { clock?: Clock; latency?: Ms; chance?: () => number; snapshots?: SnapshotWorlds } = {},
): Promise<TestCloud> {
  const authority = await createAuthority()
  const operator = makeAccessKey()
  const agent = makeAccessKey()
  const adminSecret = 'an admin secret of a test'
  const cloud = await startCloud({
    clock: options.clock ?? systemClock,
    chance: options.chance ?? (() => 0),
    latency: options.latency ?? 0,
    port: 0,
    certificate: await authority.issue({ names: ['localhost'] }),
    clusterAuthority: authority.certificate,
    principals: [
      { kind: 'operator', key: operator },
      { kind: 'instance', key: agent, instanceId: WORLD.bastion.instanceId },
    ],
    adminSecret,
    ...(options.snapshots === undefined ? {} : { snapshots: options.snapshots }),
  })
  return {
    cloud,
    authority,
    operator,
    agent,
    adminSecret,
    url: `http://127.0.0.1:${cloud.port}`,
    secureUrl: `https://127.0.0.1:${cloud.port}`,
    [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
  }
}
