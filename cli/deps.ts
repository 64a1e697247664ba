import { createBucketApi } from '#core/aws/bucket-versions.ts'
import { type AwsConnection, connectAws } from '#core/aws/clients.ts'
import { createClusterCredentials } from '#core/aws/cluster-token.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { createQuotaApi } from '#core/aws/quotas.ts'
import type { Reading } from '#core/aws/reading.ts'
import { createRestoreApi } from '#core/aws/restore.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { messageOf } from '#core/errors.ts'
import { confirmAccount, type Identity } from '#core/installation/account-pin.ts'
import { type BastionChoice, chooseBastion } from '#core/installation/bastion-choice.ts'
import type { BastionDescription } from '#core/installation/bastion-description.ts'
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
import { broughtCredentials } from '#core/kube/brought-credentials.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import type { Logger } from '#core/logger.ts'
import type { BucketApi } from '#core/snapshots/buckets.ts'
import type { KeyApi } from '#core/snapshots/key-api.ts'
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import type { RestoreApi } from '#core/snapshots/restore/restore-api.ts'
import type { Source } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { SessionApi } from '#core/ssm/session-api.ts'
import type { Store } from '#core/store.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import type { SessionPlace } from '#core/tunnel/journal.ts'
import { SessionJournal, sweepSessions } from '#core/tunnel/session-journal.ts'
import { readDescription } from './bastion-description.ts'
import { chooseInstallation, type SettingName } from './config.ts'
import { allInOrder } from './in-order.ts'
import { loadConfig } from './load-config.ts'
import { paths } from './paths.ts'
import { readProductProfile } from './product-profile.ts'

/** Where a command's shell ends and its environment begins. */
export interface Surroundings {
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>
  readonly environment: NodeJS.ProcessEnv
  /** The folder of the package. */
  readonly root: string
  readonly version: string
  readonly logger: Logger
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
  /** What this machine is told, where it is the installation's bastion itself: from there no session is needed. */
  readonly here: BastionDescription | undefined
  /** The caller, who is of the pinned account; nothing but reads may happen before this has answered. */
  identity(signal?: AbortSignal): Promise<Identity>
  inventory(
    parts: DiscoveryQuery['parts'],
    depth: DiscoveryQuery['depth'],
    signal?: AbortSignal,
  ): Promise<Inventory>
  readonly snapshotApi: SnapshotApi
  readonly keyApi: KeyApi
  readonly quotaApi: QuotaApi
  readonly bucketApi: BucketApi
  /** Where what was written down of snapshots lies, if not in the state folder: a table of the account. */
  documentTable(name: string): Store
  readonly restoreApi: RestoreApi
  /** What of the installation can be snapshotted. */
  snapshotSources(signal?: AbortSignal): Promise<Reading<Source[]>>
  /** The bastion to open sessions on, or the error that says why there is none. */
  bastion(signal?: AbortSignal): Promise<BastionChoice>
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
  const description = readDescription(surroundings.environment)
  const here = description?.installation === installation.name ? description : undefined
  const token = surroundings.environment['PGCTL_CLUSTER_TOKEN']
  return {
    ...account,
    installation,
    here,
    profile,
    clusterName,
    namespace: installation.namespace ?? profile.namespace,
    clusterCredentials:
      here?.cluster === undefined
        ? createClusterCredentials(connection, clusterName)
        : broughtCredentials(here.cluster, token, systemClock),
    identity,
    inventory,
    snapshotApi: createSnapshotApi(account.connectionIn),
    keyApi: createKeyApi(account.connectionIn),
    quotaApi: createQuotaApi(account.connectionIn),
    bucketApi: createBucketApi(connection, bucketNames(profile, installation.workspace)),
    documentTable: (name) => createDocumentTable(connection, name),
    restoreApi: createRestoreApi(account.connectionIn),
    snapshotSources: (signal) =>
      findSources(connection, datastorePatterns(profile, installation.workspace), signal),
    bastion: once(async (signal) =>
      chooseBastion(await inventory(['bastion'], 'way', signal), {
        wanted: installation.bastion ?? bastionName,
        now: systemClock.now().wall,
      }),
    ),
  }
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
          override: environment['AWS_ENDPOINT_URL_SSMMESSAGES'] ?? environment['AWS_ENDPOINT_URL'],
        },
        agents,
        clock: systemClock,
        random: systemRandom,
        chance: Math.random,
        logger,
        limits,
        journal: new SessionJournal(journal),
      }
    }),
  }
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
