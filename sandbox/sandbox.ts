import { randomBytes } from 'node:crypto'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type Logger, silentLogger } from '#core/logger.ts'
import { startAgent } from './agent/io/agent.ts'
import type { UploadStall } from './agent/upload-stall.ts'
import { type AccessKey, makeAccessKey } from './aws/identity.ts'
import { SnapshotWorlds } from './aws/snapshots/snapshot-worlds.ts'
import { createAuthority, type IssuedCertificate } from './certificates.ts'
import { type Cloud, startCloud } from './cloud.ts'
import { startDatastores, type VerifyDatabaseToken } from './datastores/datastores.ts'
import { GroupAgents } from './group-agents.ts'
import { type SandboxKubernetes, startKubernetes } from './kubernetes/api-server.ts'
import { mayDo } from './kubernetes/authorizer.ts'
import type { Attributes } from './kubernetes/request-info.ts'
import { startGrafana } from './services/grafana.ts'
import { startPayload } from './services/payload.ts'
import { startProduct } from './services/product.ts'
import { WORLD, WORLDS, type WorldPorts } from './world.ts'
import { ACME } from './worlds/acme.ts'
import { GLOBEX } from './worlds/globex.ts'
import type { World } from './worlds/installation.ts'

export interface SandboxOptions {
  /** How long a snapshot is being made. */
  readonly snapshotTakes?: Ms
  /** The endpoint's port; a free one when it is taken, absent or 0. */
  readonly port?: number
  /** `external` starts no agent: any that speaks the protocol may connect. */
  readonly agent?: 'own' | 'external'
  /** `vendor`: 1,024 bytes and a pause; `none`: no pause. */
  readonly pace?: 'vendor' | 'none'
  readonly messageSize?: Bytes
  /** What listens on the first installation's bastion: its port there, and the port of this computer's loopback. */
  readonly bastionPorts?: ReadonlyMap<number, number>
  /** An agent that stops taking uploads for a while when they come too fast. */
  readonly uploadStall?: UploadStall
  /** What a round trip of the operator takes more than on loopback. */
  readonly latency?: Ms
  /** Closes the clients' WebSockets with code 1000 again and again. */
  readonly closeEvery?: Ms
  /** How long until the next log line of some container, on average; 0 for none by themselves. */
  readonly logInterval?: Ms
  readonly clock?: Clock
  /** Further names on the endpoint's certificate. */
  readonly names?: readonly string[]
  /** Starts the API of the first installation's cluster elsewhere; its port on loopback. */
  readonly cluster?: (material: ClusterMaterial) => Promise<number>
  /** A number in [0, 1), for faults that meet a share of the messages. */
  readonly chance?: () => number
  readonly logger?: Logger
}

/** What a cluster of the cloud is made with. */
export interface ClusterMaterial extends IssuedCertificate {
  /** PEM. */
  readonly authority: string
  /** Whose token it is: the ARN, or undefined for one that is not good. */
  readonly verify: (token: string) => string | undefined
}

/** Two small installations on loopback: a cloud, and each with its bastion's agent, a cluster and its services. */
export interface Sandbox extends AsyncDisposable {
  /** The one endpoint of all AWS services, by TLS and plain. */
  readonly endpoint: string
  readonly plainEndpoint: string
  readonly port: number
  /** What clients are told to trust, PEM. */
  readonly authority: string
  /** The operator's key, and the bastion's own. */
  readonly operator: AccessKey
  readonly agent: AccessKey
  /** The bearer of the administration. */
  readonly adminSecret: string
  readonly cloud: Cloud
  readonly kubernetes: SandboxKubernetes
  readonly world: WorldPorts
  /** Those of the other installation. */
  readonly neighbour: WorldPorts
}

/** Starts all parts, those that others need first; a part that fails takes those before it down again. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? systemClock
  await using parts = new AsyncDisposableStack()
  const authority = await createAuthority()
  const operator = makeAccessKey()
  const agent = makeAccessKey()
  const successor = makeAccessKey()
  const neighbour = makeAccessKey()
  const adminSecret = randomBytes(32).toString('base64url')

  // Databases are there before the cloud that knows whose signature a token carries.
  let cloudOfAll: Cloud | undefined
  const tokenOf =
    (world: World): VerifyDatabaseToken =>
    (token, place) =>
      cloudOfAll?.verifyDatabaseToken(token, place, world) ?? false

  const [grafana, payload, product, ownStores, otherStores] = await Promise.all([
    startGrafana({ clock }),
    startPayload({ clock }),
    startProduct(),
    startDatastores(ACME, { authority, clock, verifyToken: tokenOf(ACME) }),
    startDatastores(GLOBEX, { authority, clock, verifyToken: tokenOf(GLOBEX) }),
  ])
  for (const part of [grafana, payload, product, ownStores, otherStores]) parts.use(part)

  let kubernetes: SandboxKubernetes | undefined
  const cloud = parts.use(
    await startCloud({
      clock,
      chance: options.chance ?? Math.random,
      port: options.port ?? 0,
      latency: options.latency ?? 0,
      names: options.names ?? [],
      certificate: await authority.issue({ names: ['localhost', ...(options.names ?? [])] }),
      clusterAuthority: authority.certificate,
      principals: [
        { kind: 'operator', key: operator },
        { kind: 'instance', key: agent, instanceId: WORLD.bastion.instanceId },
        { kind: 'instance', key: successor, instanceId: WORLD.replacement.instanceId },
        { kind: 'instance', key: neighbour, instanceId: GLOBEX.bastion.instanceId },
      ],
      adminSecret,
      ...(options.snapshotTakes === undefined
        ? {}
        : { snapshots: new SnapshotWorlds({ takes: options.snapshotTakes }) }),
      kubernetesFaults: () => kubernetes?.faults,
    }),
  )
  cloudOfAll = cloud
  let elsewhere: number | undefined
  const ports = (installation: World, api: SandboxKubernetes | undefined): WorldPorts => ({
    installation,
    datastores: (installation === GLOBEX ? otherStores : ownStores).hosts,
    kubernetes: (installation === ACME ? elsewhere : undefined) ?? api?.port ?? 0,
    grafana: grafana.port,
    payload: payload.port,
    product: product.port,
  })
  const clusterCertificate = await authority.issue({
    names: [...WORLDS.map(({ cluster }) => cluster.host), 'kubernetes.default.svc'],
  })
  const startCluster = (world: World, worldPorts: () => WorldPorts) =>
    startKubernetes({
      world,
      ...clusterCertificate,
      authenticate: async (token) => {
        const verdict = cloud.verifyToken(token, world)
        return verdict.ok
          ? cloud.state.accessOf(world).userOf(verdict.principalArn, verdict.identity)
          : undefined
      },
      authorize: (user, asked) => !cloud.state.knobs.forbid.includes(rightFor(asked)) && mayDo(user, asked),
      ports: worldPorts,
      clock,
      ...(options.logInterval === undefined ? {} : { lineInterval: options.logInterval }),
    })
  elsewhere = await options.cluster?.({
    ...clusterCertificate,
    authority: authority.certificate,
    verify(token) {
      const verdict = cloud.verifyToken(token, ACME)
      return verdict.ok ? verdict.identity.arn : undefined
    },
  })
  kubernetes = parts.use(await startCluster(ACME, () => ports(ACME, kubernetes)))
  const neighbours = parts.use(await startCluster(GLOBEX, () => ports(GLOBEX, undefined)))

  const plainEndpoint = `http://127.0.0.1:${cloud.port}`
  if (options.agent !== 'external') {
    // The agents and the gateway are parts of one process: TLS between them would only cost time.
    const near = { gateway: plainEndpoint, kms: plainEndpoint, clock }
    const pace = {
      pace: options.pace ?? 'vendor',
      messageSize: options.messageSize,
      stall: options.uploadStall,
      logger: options.logger,
    }
    const own = { ...ports(ACME, kubernetes), bastion: options.bastionPorts }
    const other = ports(GLOBEX, neighbours)
    const start = (credentials: AccessKey, instanceId: string, world: WorldPorts) =>
      startAgent({ ...near, ...pace, credentials, instanceId, world })
    const groups = [ACME, GLOBEX].map((world) => {
      const group = cloud.state.groupOf(world)
      const agents = new GroupAgents(group, {
        clock,
        knobs: () => cloud.state.knobsOf(world),
        logger: options.logger ?? silentLogger,
        start: (instanceId) => start(cloud.admit(instanceId), instanceId, world === ACME ? own : other),
      })
      return parts.use(agents)
    })
    const [first, next, second] = await Promise.all([
      start(agent, WORLD.bastion.instanceId, own),
      start(successor, WORLD.replacement.instanceId, own),
      start(neighbour, GLOBEX.bastion.instanceId, other),
    ])
    parts.use(next)
    groups[0]?.adopt(WORLD.bastion.instanceId, first)
    groups[1]?.adopt(GLOBEX.bastion.instanceId, second)
  }
  if (options.closeEvery !== undefined) cloud.gateway.order({ kind: 'close-every', ms: options.closeEvery })

  const running = parts.move()
  return {
    endpoint: `https://127.0.0.1:${cloud.port}`,
    plainEndpoint,
    port: cloud.port,
    authority: authority.certificate,
    operator,
    agent,
    adminSecret,
    cloud,
    kubernetes,
    world: ports(ACME, kubernetes),
    neighbour: ports(GLOBEX, neighbours),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A right as the knob `forbid` writes it: `create pods/portforward`. */
function rightFor({ verb, resource = '', subresource }: Attributes): string {
  return `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}`
}
