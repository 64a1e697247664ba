import { createElevationApi } from '#core/aws/access-entries.ts'
import { createBastionControl } from '#core/aws/bastion-control.ts'
import { createBucketApi } from '#core/aws/bucket-versions.ts'
import { type AwsConnection, connectAws, type Endpoints } from '#core/aws/clients.ts'
import { createClusterCredentials } from '#core/aws/cluster-token.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { contactEndpoint, type EndpointContact, endpointOf, messagesEndpoint } from '#core/aws/endpoints.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { readOtherWays, type WaysReading } from '#core/aws/other-ways.ts'
import { readParameter, writeParameter } from '#core/aws/parameters.ts'
import { presignDatabaseLogin } from '#core/aws/presign.ts'
import { createQuotaApi } from '#core/aws/quotas.ts'
import { describeClusterEndpoints } from '#core/aws/rds.ts'
import type { Reading } from '#core/aws/reading.ts'
import { createRestoreApi } from '#core/aws/restore.ts'
import { readSecretText } from '#core/aws/secrets.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { createSessionHistory } from '#core/aws/session-history.ts'
import { readSessionKey } from '#core/aws/session-key.ts'
import { createSessionRecords } from '#core/aws/session-records.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { tryPermissions } from '#core/aws/trials.ts'
import type { BastionControl, ElevationApi, SessionRecords } from '#core/bastion/control.ts'
import type { Ms } from '#core/clock.ts'
import { messageOf } from '#core/errors.ts'
import { confirmAccount, type Identity } from '#core/installation/account-pin.ts'
import { type BastionChoice, chooseBastion } from '#core/installation/bastion-choice.ts'
import type { Endpoint } from '#core/installation/datastores.ts'
import { type DiscoveryQuery, discoveryQuery } from '#core/installation/discovery.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import {
  bucketNames,
  datastorePatterns,
  type ProductProfile,
  resourceName,
} from '#core/installation/profile.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import type { Logger } from '#core/logger.ts'
import { portDocumentName } from '#core/permissions/documents.ts'
import type { BucketApi } from '#core/snapshots/buckets.ts'
import type { KeyApi } from '#core/snapshots/key-api.ts'
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import type { RestoreApi } from '#core/snapshots/restore/restore-api.ts'
import type { Source } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { SessionApi, SessionRequest } from '#core/ssm/session-api.ts'
import type { SessionHistory } from '#core/ssm/session-history.ts'
import type { Store } from '#core/store.ts'
import type { Dialer } from '#core/tunnel/dialer.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import type { SessionPlace } from '#core/tunnel/journal.ts'
import { SessionJournal, sweepSessions } from '#core/tunnel/session-journal.ts'
import { chooseInstallation, type SettingName } from './config.ts'
import { allInOrder } from './in-order.ts'
import { loadConfig } from './load-config.ts'
import { isOwn } from './own-installation.ts'
import { paths } from './paths.ts'
import { readProductProfile } from './product-profile.ts'

/** Where a command's shell ends and its environment begins. */
export interface Surroundings {
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>
  readonly environment: NodeJS.ProcessEnv
  /** Where the command was typed, if that is not where this process is. */
  readonly folder?: string | undefined
  /** The folder of the package. */
  readonly root: string
  readonly version: string
  readonly logger: Logger
  /** Where it is told that a bastion at 0 is started; without it, none is. */
  readonly onStart?: ((text: string) => void) | undefined
  /** Why sessions are opened. */
  readonly reason?: string | undefined
}

/** Whom to call as, and where: enough for a session on an instance that is named. */
export interface Account {
  readonly region: string
  readonly sessionApi: SessionApi
  readonly store: Store
  readonly agents: OutboundAgents
  /** What sessions are made with; what a killed process has left in this place is terminated first. */
  sessions(signal?: AbortSignal): Promise<SessionContext>
}

/** One installation, wired: everything is made at its first use, and only once. */
export interface Deps extends Account {
  readonly installation: Installation
  readonly profile: ProductProfile
  readonly clusterName: string
  readonly namespace: string
  readonly clusterCredentials: ClusterCredentials
  /** The installation's own document to a host and port; undefined where tunnels use that of the service. */
  readonly portDocument: ((host: string, port: number) => string) | undefined
  /** The caller, who is of the pinned account; nothing but reads may happen before this has answered. */
  identity(signal?: AbortSignal): Promise<Identity>
  inventory(
    parts: DiscoveryQuery['parts'],
    depth: DiscoveryQuery['depth'],
    signal?: AbortSignal,
  ): Promise<Inventory>
  readonly sessionHistory: SessionHistory
  readonly snapshotApi: SnapshotApi
  readonly keyApi: KeyApi
  readonly quotaApi: QuotaApi
  readonly bucketApi: BucketApi
  /** Where what was written down of snapshots lies, if not in the state folder: a table of the account. */
  documentTable(name: string): Store
  /** Texts that the account's functions, cluster and bastion share, by name; none is undefined. */
  readonly parameters: {
    read(name: string, signal?: AbortSignal): Promise<string | undefined>
    write(name: string, text: string, signal?: AbortSignal): Promise<void>
  }
  readonly restoreApi: RestoreApi
  readonly bastionControl: BastionControl
  readonly sessionRecords: SessionRecords
  readonly elevationApi: ElevationApi
  /** The text of a secret of the account; undefined for one that holds bytes. */
  secretText(id: string, signal?: AbortSignal): Promise<string | undefined>
  /** The addresses of a cluster of databases, of which its members are told one by one; and its own secret. */
  databaseCluster(
    id: string,
    signal?: AbortSignal,
  ): Promise<{
    readonly writer: Endpoint
    readonly reader: Endpoint | undefined
    readonly secret: string | undefined
  }>
  /** What a database takes from its `user` in place of a password, for a quarter of an hour; `host` is its own. */
  databaseToken(database: {
    readonly host: string
    readonly port: number
    readonly user: string
  }): Promise<string>
  /** What of the installation can be snapshotted. */
  snapshotSources(signal?: AbortSignal): Promise<Reading<Source[]>>
  /** Tries permissions on the bastion without doing anything. */
  tryPermissions(
    wanted: Parameters<typeof tryPermissions>[1],
    signal?: AbortSignal,
  ): ReturnType<typeof tryPermissions>
  /** The endpoints that a session needs, each with its clock. */
  contactEndpoints(signal?: AbortSignal): Promise<readonly EndpointContact[]>
  /** When the caller's credentials end, wall time; undefined where they do not. */
  credentialsEnd(): Promise<Ms | undefined>
  /** What leads onto instances beside sessions. */
  otherWays(vpcId: string | undefined, signal?: AbortSignal): Promise<WaysReading>
  /** The key that encrypts the account's sessions, as its preferences name it. */
  sessionKey(signal?: AbortSignal): Promise<string | undefined>
  /** The bastion to open sessions on, or the error that says why there is none. */
  bastion(signal?: AbortSignal): Promise<BastionChoice>
  /** What leads to hosts of the installation's network. */
  ports(signal?: AbortSignal): Promise<Ports>
}

/** Ways to hosts: by sessions on a bastion, or straight where this is the bastion. */
export interface Ports {
  /** The instance. */
  readonly bastion: string
  open(request: SessionRequest, signal?: AbortSignal): Promise<Dialer>
}

/** Wires the installation that flags, environment and files choose. Nothing is sent yet. */
export async function wireInstallation(surroundings: Surroundings): Promise<Deps> {
  const installation = chooseInstallation(loadConfig(surroundings))
  const profile = await readProductProfile(surroundings.root, installation.product)
  const account = wireAccount(surroundings, installation, (signal) => identity(signal))
  const { connection, store } = account
  const clusterName = resourceName(profile, 'cluster', installation.workspace)
  const bastionName = resourceName(profile, 'bastion', installation.workspace)
  const discovery = createDiscovery(connection)
  const identityApi = createIdentityApi(connection)
  const identity = once((signal) =>
    confirmAccount(installation, { api: identityApi, store, now: systemClock.now().wall }, signal),
  )
  const inventory: Deps['inventory'] = (parts, depth, signal) =>
    discovery.inventory(discoveryQuery(profile, installation, parts, depth), signal)
  const namespace = installation.namespace ?? profile.namespace
  const bastionControl = createBastionControl(connection, bastionName)
  const findBastion = async (signal?: AbortSignal) =>
    chooseBastion(await inventory(['bastion'], 'way', signal), {
      wanted: installation.bastion ?? bastionName,
      now: systemClock.now().wall,
    })
  const deps: Deps = {
    ...account,
    installation,
    profile,
    clusterName,
    namespace,
    bastionControl,
    sessionRecords: createSessionRecords(connection),
    elevationApi: createElevationApi(connection, clusterName, namespace),
    clusterCredentials: createClusterCredentials(connection, clusterName),
    portDocument:
      installation.sessionDocuments === 'own'
        ? (host, port) => portDocumentName(installation.workspace, host, port)
        : undefined,
    identity,
    inventory,
    sessionHistory: createSessionHistory(connection),
    snapshotApi: createSnapshotApi(account.connectionIn),
    keyApi: createKeyApi(account.connectionIn),
    quotaApi: createQuotaApi(account.connectionIn),
    bucketApi: createBucketApi(connection, bucketNames(profile, installation.workspace)),
    documentTable: (name) => createDocumentTable(connection, name),
    parameters: {
      read: (name, signal) => readParameter(connection, name, signal),
      write: (name, text, signal) => writeParameter(connection, name, text, signal),
    },
    restoreApi: createRestoreApi(account.connectionIn),
    secretText: (id, signal) => readSecretText(connection, id, signal),
    databaseCluster: (id, signal) => describeClusterEndpoints(connection, id, signal),
    databaseToken: async (database) => {
      const credentials = await connection.credentials()
      return presignDatabaseLogin({
        ...database,
        region: connection.region,
        credentials,
        now: systemClock.now().wall,
      })
    },
    snapshotSources: (signal) =>
      findSources(connection, datastorePatterns(profile, installation.workspace), signal),
    tryPermissions: (wanted, signal) => tryPermissions(connection, wanted, signal),
    contactEndpoints: async (signal) => {
      const [sts, ssm] = await Promise.all([endpointOf(connection, 'sts'), endpointOf(connection, 'ssm')])
      const override = messagesOverride(installation.endpoints, surroundings.environment)
      const urls = [sts, ssm, messagesEndpoint(installation.region, override)]
      const distinct = new Map(urls.map((url) => [url.host, url]))
      return allInOrder(
        [...distinct.values()].map((url) => contactEndpoint(connection, account.agents, url, signal)),
      )
    },
    credentialsEnd: async () => (await connection.credentials()).expires,
    otherWays: (vpcId, signal) => readOtherWays(connection, vpcId, signal),
    sessionKey: once((signal) => readSessionKey(connection, signal)),
    bastion: once(async (signal) => {
      const { onStart } = surroundings
      // One that is named by its id has no group that we would know of.
      if (installation.bastion !== undefined) return findBastion(signal)
      const { findOrStart } = await import('./bastion-start.ts')
      return findOrStart(findBastion, { control: bastionControl, identity, onStart }, signal)
    }),
    async ports(signal) {
      const [context, { bastion }] = await allInOrder([deps.sessions(signal), deps.bastion(signal)])
      return {
        bastion: bastion.id,
        open: (request, opening) => SessionDialer.open(context, request, opening),
      }
    },
  }
  if (!isOwn(installation, surroundings.environment)) return deps
  const { onTheBastion } = await import('./on-the-bastion.ts')
  return onTheBastion(deps, surroundings.environment)
}

interface WiredAccount extends Account {
  readonly connection: AwsConnection
  /** The same caller in another region. */
  connectionIn(region: string): AwsConnection
}

/**
 * Wires an account, for an installation or for sessions on an instance that is named. `identify` says who the caller
 * is, and fails where they are in the wrong account; without an installation any account is the right one.
 */
export function wireAccount(
  surroundings: Surroundings,
  who: Pick<Installation, 'region'> & Partial<Installation>,
  identify?: (signal?: AbortSignal) => Promise<Identity>,
): WiredAccount {
  const { environment, logger, version } = surroundings
  const agents = createOutboundAgents(environment)
  const access = {
    hasInstallation: who.name !== undefined,
    region: who.region,
    profile: who.profile,
    role: who.role === undefined ? undefined : { arn: who.role, externalId: who.externalId },
    environment,
    agents,
    clock: systemClock,
    version,
    endpoints: endpointsOf(who.endpoints, environment),
  }
  const connection = connectAws(access)
  const sessionApi = createSessionApi(connection)
  const store = createFileStore({ folder: paths(environment).state, clock: systemClock })
  const caller = identify ?? ((signal) => createIdentityApi(connection).caller(signal))
  return {
    connection,
    connectionIn: (region) => (region === who.region ? connection : connectAws({ ...access, region })),
    region: who.region,
    sessionApi,
    store,
    agents,
    sessions: once(async (signal) => {
      // Both at once: only what follows them is more than a read.
      const [{ account }, limits] = await allInOrder([caller(signal), sessionApi.limits(signal)])
      const place: SessionPlace = { installation: who.name, account, region: who.region }
      const journal = { store, processes: systemProcesses, clock: systemClock, place }
      await sweepLeftovers({ ...journal, api: sessionApi }, logger, signal)
      return {
        api: sessionApi,
        streamUrls: {
          region: who.region,
          override: messagesOverride(who.endpoints, environment),
        },
        agents,
        clock: systemClock,
        random: systemRandom,
        chance: Math.random,
        logger,
        limits,
        reason: {
          given: surroundings.reason || environment['PGCTL_REASON'] || undefined,
          requiredBy: who.reason === 'required' ? who.name : undefined,
        },
        journal: new SessionJournal(journal),
      }
    }),
  }
}

/** What is configured for a service, unless a variable of the environment says otherwise. */
function endpointsOf(configured: Installation['endpoints'], environment: NodeJS.ProcessEnv): Endpoints {
  const unsaid = Object.entries(configured ?? {}).filter(
    ([service]) => !environment[`AWS_ENDPOINT_URL_${service.toUpperCase()}`],
  )
  return environment['AWS_ENDPOINT_URL'] ? {} : Object.fromEntries(unsaid)
}

/** Where data channels are opened instead of at the service's own address. */
export function messagesOverride(
  configured: Installation['endpoints'],
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const variable = environment['AWS_ENDPOINT_URL_SSMMESSAGES'] || environment['AWS_ENDPOINT_URL']
  return variable || configured?.ssmmessages
}

/** Terminates what killed processes have left in this account and region. */
async function sweepLeftovers(
  context: Parameters<typeof sweepSessions>[0],
  logger: Logger,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { terminated, failed } = await sweepSessions(context, signal)
  for (const { sessionId } of terminated)
    logger.info({ sessionId }, 'terminated a session that was left behind')
  for (const { sessionId, error } of failed)
    logger.warn({ sessionId, error: messageOf(error) }, 'could not terminate a session that was left behind')
}

/** Asks once, and gives everyone the same answer; a failure is not remembered. */
function once<T>(ask: (signal?: AbortSignal) => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  let answer: Promise<T> | undefined
  return (signal) => {
    answer ??= ask(signal).catch((error: unknown) => {
      answer = undefined
      throw error
    })
    return answer
  }
}
