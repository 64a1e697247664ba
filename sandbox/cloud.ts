import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { Admin } from './admin.ts'
import { Authenticator } from './aws/authenticator.ts'
import { CallRecord } from './aws/calls.ts'
import { type DatabasePlace, verifyDatabaseToken } from './aws/database-token.ts'
import { type TokenVerdict, verifyEksToken } from './aws/eks-token.ts'
import { AwsEndpoint } from './aws/endpoint.ts'
import { readWireRequest, type WireAnswer, type WireRequest, wireRequestOf } from './aws/http-message.ts'
import type { AccessKey, Principal } from './aws/identity.ts'
import { resourceTags } from './aws/resource-tags.ts'
import { type AwsService, withOperations } from './aws/service.ts'
import { createAutoScaling } from './aws/services/auto-scaling.ts'
import { createCloudTrail } from './aws/services/cloudtrail.ts'
import { createCloudWatchLogs } from './aws/services/cloudwatch-logs.ts'
import { createDynamoDb } from './aws/services/dynamodb.ts'
import { createEc2 } from './aws/services/ec2.ts'
import { createEks } from './aws/services/eks.ts'
import { createElastiCache } from './aws/services/elasticache.ts'
import { elastiCacheRestoreOperations } from './aws/services/elasticache-restore.ts'
import { elastiCacheSnapshotOperations } from './aws/services/elasticache-snapshots.ts'
import { createKafka } from './aws/services/kafka.ts'
import { createKms } from './aws/services/kms.ts'
import { kmsKeyOperations } from './aws/services/kms-keys.ts'
import { kmsSigningOperations } from './aws/services/kms-signing.ts'
import { createLoadBalancing } from './aws/services/load-balancing.ts'
import { createRds } from './aws/services/rds.ts'
import { rdsQuotaOperations } from './aws/services/rds-quotas.ts'
import { rdsRestoreOperations } from './aws/services/rds-restore.ts'
import { rdsSnapshotOperations } from './aws/services/rds-snapshots.ts'
import { createS3 } from './aws/services/s3.ts'
import { createSecretsManager } from './aws/services/secrets-manager.ts'
import { createSsm } from './aws/services/ssm.ts'
import { createMessageDelivery } from './aws/services/ssm-agents.ts'
import { createSts } from './aws/services/sts.ts'
import { SnapshotWorlds } from './aws/snapshots/snapshot-worlds.ts'
import type { IssuedCertificate } from './certificates.ts'
import { GatewayDoors } from './gateway/doors.ts'
import { MessageGateway } from './gateway/gateway.ts'
import type { KubernetesFaults } from './kubernetes/faults.ts'
import { type Listener, listen } from './listener.ts'
import { WORLD } from './world.ts'
import { WorldState } from './world-state.ts'
import type { World } from './worlds/installation.ts'

export interface CloudOptions {
  readonly clock: Clock
  /** A number in [0, 1), for faults. */
  readonly chance: () => number
  /** The port to take if it is free; 0 takes any. */
  readonly port: number
  /** What a round trip of an operator takes more than on loopback. Agents are near the service and wait for nothing. */
  readonly latency: Ms
  /** By which it may be called beside those of this computer. */
  readonly names?: readonly string[]
  /** The certificate of this endpoint. */
  readonly certificate: IssuedCertificate
  /** The authority behind the cluster's certificate, PEM. */
  readonly clusterAuthority: string
  readonly principals: readonly Principal[]
  readonly adminSecret: string
  /** The snapshots of all accounts; those of the installations' datastores unless told. */
  readonly snapshots?: SnapshotWorlds
  readonly kubernetesFaults?: () => KubernetesFaults | undefined
}

/** The cloud's side of a sandbox: AWS services, message gateway and administration behind one port. */
export interface Cloud extends AsyncDisposable {
  readonly port: number
  readonly state: WorldState
  readonly calls: CallRecord
  readonly gateway: MessageGateway
  /** The snapshots of all accounts. */
  readonly snapshots: SnapshotWorlds
  /** Every operation that the endpoint answers to who works here, as IAM names actions: `sts:GetCallerIdentity`. */
  readonly operations: readonly string[]
  /** A key for a machine that the group of a bastion has started. */
  admit(instanceId: string): AccessKey
  /** Whose EKS token it is, for the cluster of an installation: the first one's unless told. */
  verifyToken(token: string, world?: World): TokenVerdict
  /** Whether a token lets its user into a database of an installation. */
  verifyDatabaseToken(token: string, place: DatabasePlace, world: World): boolean
}

/** Starts the cloud on 127.0.0.1. */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { clock, chance, latency } = options
  const state = new WorldState(clock.now().wall)
  const calls = new CallRecord()
  const authenticator = new Authenticator(state, options.principals)
  const gateway = new MessageGateway({ clock, state, chance, latency })
  const doors = new GatewayDoors({ clock, gateway, authenticator, calls, state })
  const snapshots = options.snapshots ?? new SnapshotWorlds()
  const services: readonly AwsService[] = [
    createSsm(state, gateway),
    createMessageDelivery(),
    createEc2(state),
    createEks({ state, clusterAuthority: options.clusterAuthority }),
    createSts(authenticator),
    withOperations(createKms(), { ...kmsKeyOperations(snapshots), ...kmsSigningOperations() }),
    withOperations(createRds(state, snapshots), {
      ...rdsSnapshotOperations(snapshots),
      ...rdsRestoreOperations(snapshots),
      ...rdsQuotaOperations(snapshots),
    }),
    withOperations(createElastiCache(snapshots), {
      ...elastiCacheSnapshotOperations(snapshots),
      ...elastiCacheRestoreOperations(snapshots),
    }),
    createAutoScaling(state),
    createLoadBalancing(),
    createKafka(),
    createCloudTrail(state),
    createDynamoDb(),
    createSecretsManager(),
    createCloudWatchLogs(),
    // The last: without a signature, any request could be one for S3.
    createS3(state),
  ]
  const tagsOf = resourceTags(state, gateway, snapshots)
  const endpoint = new AwsEndpoint({ clock, state, authenticator, calls, services, tagsOf })
  const admin = new Admin({
    secret: options.adminSecret,
    state,
    gateway,
    calls,
    kubernetes: options.kubernetesFaults ?? (() => undefined),
  })
  const ended = new AbortController()
  const front = new Front({ clock, latency, authenticator, endpoint, doors, admin, ended: ended.signal })
  const listener: Listener = await listen({
    port: options.port,
    ...options.certificate,
    names: options.names ?? [],
    request: (request, response) => front.serve(request, response),
    upgrade: (request, socket, head) => void front.upgrade(request, socket, head),
  })
  return {
    port: listener.port,
    state,
    calls,
    gateway,
    snapshots,
    operations: services.flatMap(({ name, operations }) =>
      Object.keys(operations)
        .filter((operation) => operations[operation]?.ofAgents !== true)
        .map((operation) => `${name}:${operation}`),
    ),
    admit: (instanceId) => authenticator.admit(instanceId),
    verifyToken: (token, world = WORLD) => verifyEksToken(token, world, authenticator, clock.now().wall),
    verifyDatabaseToken: (token, place, world) =>
      verifyDatabaseToken(token, place, world, authenticator, clock.now().wall),
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the sandbox has ended'))
      gateway.dispose()
      doors.dispose()
      await listener[Symbol.asyncDispose]()
    },
  }
}

interface FrontParts {
  readonly clock: Clock
  readonly latency: Ms
  readonly authenticator: Authenticator
  readonly endpoint: AwsEndpoint
  readonly doors: GatewayDoors
  readonly admin: Admin
  readonly ended: AbortSignal
}

/** Sends what comes in to whom it is for, half the latency later, and the answers back another half later. */
class Front {
  readonly #parts: FrontParts

  constructor(parts: FrontParts) {
    this.#parts = parts
  }

  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { endpoint, admin, doors } = this.#parts
    const request = await readWireRequest(incoming)
    if (request === undefined) {
      send(response, endpoint.answerTooLarge(wireRequestOf(incoming)))
      return
    }
    if (admin.owns(request.path)) send(response, admin.answer(request))
    else if (doors.owns(request.path)) send(response, doors.answer(request))
    else {
      const half = this.#latencyOf(request) / 2
      await this.#wait(half)
      const answer = endpoint.answer(request)
      await this.#wait(half)
      send(response, answer)
    }
  }

  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      // Both halves at once: nothing happens between the request and its answer.
      await this.#wait(this.#latencyOf(wireRequestOf(incoming)))
    } catch {
      socket.destroy()
    }
    if (!socket.destroyed) this.#parts.doors.upgrade(incoming, socket, head)
  }

  #latencyOf(request: WireRequest): Ms {
    return this.#parts.authenticator.isInstance(request) ? 0 : this.#parts.latency
  }

  async #wait(duration: Ms): Promise<void> {
    if (duration > 0) await sleep(this.#parts.clock, duration, this.#parts.ended)
  }
}

function send(response: ServerResponse, answer: WireAnswer): void {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) })
  response.end(answer.body)
}
