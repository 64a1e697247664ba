import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { type CheckResult, isHealthy, type Outcome, type Runners, runChecks } from '#core/health/checks.ts'
import { distinctRights, judgeRights, judgeTrials } from '#core/health/judge-access.ts'
import { judgeClock, judgeEndpoints, judgeExpiry, outboundSettings } from '#core/health/judge-computer.ts'
import { judgeAgent, judgeBastion, judgeCluster } from '#core/health/judge-way.ts'
import { type OtherWays, otherWays } from '#core/health/other-ways.ts'
import type { BastionChoice } from '#core/installation/bastion-choice.ts'
import type { Inventory, InventoryPart } from '#core/installation/inventory.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { reviewRights } from '#core/kube/access-review.ts'
import { KubeClient } from '#core/kube/client.ts'
import { CLUSTER_RIGHTS } from '#core/kube/rights.ts'
import type { TunnelledAccess } from '#core/tunnel/cluster-access.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps, Surroundings } from './deps.ts'

/** What doctor looks at the rights of: what is read every day, and what changes something. */
const RIGHTS = {
  tunnel: CLUSTER_RIGHTS['tunnel'] ?? [],
  logs: CLUSTER_RIGHTS['logs'] ?? [],
  status: CLUSTER_RIGHTS['status'] ?? [],
  helm: CLUSTER_RIGHTS['helm list'] ?? [],
}

const BY_PORT = ['tunnel', 'logs', 'kubectl', 'helm', 'status']
const DOCUMENTS = [
  { document: 'AWS-StartNonInteractiveCommand', commands: ['exec'] },
  { document: 'SSM-SessionManagerRunShell', commands: ['login'] },
]

/** The parts without which the way cannot be found; what is around a bastion only `status` tells. */
const ON_THE_WAY: ReadonlySet<InventoryPart> = new Set(['agents', 'instances', 'cluster'])

/** How long after it is ready a tunnel to the target is still held: not at all. */
const NO_DRAIN = 0

export interface Examination {
  readonly results: readonly CheckResult[]
  readonly healthy: boolean
  /** Where else one gets in; only looked for where sessions do not work. */
  readonly ways: OtherWays | undefined
}

export interface DoctorWishes {
  readonly target?: string | undefined
  readonly reason?: string | undefined
}

/** Makes all checks, in their order; each is reported as soon as it is known. */
export async function examine(
  { deps, surroundings }: { readonly deps: Deps; readonly surroundings: Surroundings },
  wishes: DoctorWishes,
  report: (result: CheckResult) => void,
  signal: AbortSignal,
): Promise<Examination> {
  await using opened = new AsyncDisposableStack()
  const toError = (thrown: unknown) => {
    signal.throwIfAborted()
    if (isPgctlError(thrown)) return thrown
    return new PgctlError('internal', `unexpected failure: ${messageOf(thrown)}`, { cause: thrown })
  }
  const runners = { ...runnersFor(deps, surroundings, wishes, opened, signal) }
  const results = await runChecks(runners, report, toError)
  const dead = results.some(({ id, state }) => isOfSessions(id) && state === 'failed')
  const ways = dead && isKnown(results) ? await readWays(deps, signal) : undefined
  return { results, healthy: isHealthy(results), ways }
}

function isOfSessions(id: CheckResult['id']): boolean {
  return id === 'bastion' || id === 'agent' || id === 'session'
}

/** Without credentials of the right account nobody can ask for other ways. */
function isKnown(results: readonly CheckResult[]): boolean {
  return results.some(({ id, state }) => id === 'account' && state === 'ok')
}

function runnersFor(
  deps: Deps,
  surroundings: Surroundings,
  wishes: DoctorWishes,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Runners {
  const { environment } = surroundings
  const inventory = remembered(() => deps.inventory(['bastion', 'cluster'], 'full', signal))
  const contacts = remembered(() => deps.contactEndpoints(signal))
  let access: TunnelledAccess | undefined
  let client: KubeClient | undefined
  const target = wishes.target
  return {
    endpoints: async () =>
      judgeEndpoints((await contacts()).map(({ host }) => ({ host, by: outboundSettings(environment) }))),
    clock: async () => {
      const clocks = (await contacts()).find((contact) => contact.clocks !== undefined)?.clocks
      if (clocks === undefined)
        return { state: 'warning', says: "the clock is not known: the endpoint's answer has no date" }
      return judgeClock(clocks.ours - clocks.theirs)
    },
    credentials: async () => judgeExpiry(await deps.credentialsEnd(), systemClock.now().wall),
    account: async () => {
      const { account, arn } = await deps.identity(signal)
      return { state: 'ok', says: `${arn}, of the pinned account ${account}` }
    },
    permissions: () => tryAll(deps, inventory, signal),
    bastion: async () => judgeBastion(await inventory(), choiceQuery(deps)),
    agent: async () => judgeAgent(await inventory(), choiceQuery(deps)),
    cluster: async () => judgeCluster(await inventory(), deps.clusterName),
    session: async () => {
      access = opened.use(await openCluster(deps, { reason: wishes.reason }, signal))
      const { bastion } = await deps.bastion(signal)
      return { state: 'ok', says: `one opens on ${bastion.id}, and leads to ${access.tlsServerName}` }
    },
    api: async () => {
      if (access === undefined) throw new TypeError('the session was not opened')
      client = opened.use(new KubeClient(access))
      try {
        await reviewRights(
          client,
          [{ verb: 'list', group: '', resource: 'services' }],
          deps.namespace,
          signal,
        )
      } catch (error) {
        throw access.explain(error)
      }
      return { state: 'ok', says: `${access.tlsServerName} shows its certificate, and knows the caller` }
    },
    rights: async () => {
      if (client === undefined) throw new TypeError('the API was not asked')
      const verdicts = await reviewRights(client, distinctRights(RIGHTS), deps.namespace, signal)
      return judgeRights(RIGHTS, verdicts)
    },
    ...(target === undefined
      ? {}
      : { target: () => tryTarget(surroundings, { target, reason: wishes.reason }, signal) }),
  }
}

/** Each check that asks fails for itself; none asks twice. */
function remembered<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined
  return () => (asked ??= ask())
}

function choiceQuery({ installation, profile }: Deps) {
  const wanted =
    installation.bastion ?? profile.resources.bastion.replaceAll('WORKSPACE', installation.workspace)
  return { wanted, now: systemClock.now().wall }
}

/** Reads are proved by reading; what opens sessions is tried by requests that are refused for another reason. */
async function tryAll(
  deps: Deps,
  inventory: () => Promise<Inventory>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { bastions, unreadable } = await inventory()
  const refused = unreadable.filter(
    ({ part, error }) => error.code === 'permission-denied' && ON_THE_WAY.has(part),
  )
  const reads = refused.map(({ action, error }) => ({
    what: action,
    verdict: 'denied' as const,
    commands: ['status'],
    why: error.why,
  }))
  let choice: BastionChoice | undefined
  try {
    choice = await deps.bastion(signal)
  } catch (error) {
    if (!isPgctlError(error)) throw error
  }
  const target = choice?.bastion.id ?? bastions[0]?.id
  if (target === undefined)
    return reads.length > 0
      ? judgeTrials(reads)
      : { state: 'warning', says: 'sessions could not be tried, without a bastion' }
  const key = await deps.sessionKey(signal).catch(() => undefined)
  const { cluster } = await inventory()
  const documents = [...portDocuments(deps, cluster), ...DOCUMENTS]
  const trials = await deps.tryPermissions({ target, documents, key }, signal)
  return judgeTrials([...reads, ...trials])
}

/** The document that a tunnel to the cluster is opened by: the service's, or the installation's own. */
function portDocuments({ portDocument }: Deps, cluster: Inventory['cluster']) {
  if (portDocument === undefined)
    return [{ document: 'AWS-StartPortForwardingSessionToRemoteHost', commands: BY_PORT }]
  if (cluster === undefined) return []
  return [{ document: portDocument(cluster.host, cluster.port), commands: BY_PORT }]
}

/** Opens a tunnel as `pgctl tunnel` does, on any free port, and ends it once it is ready. */
async function tryTarget(
  surroundings: Surroundings,
  { target, reason }: { readonly target: string; readonly reason: string | undefined },
  signal: AbortSignal,
): Promise<Outcome> {
  const { openTunnels } = await import('./tunnel-opening.ts')
  let route = ''
  const { tunnels } = await openTunnels(
    surroundings,
    { words: [target], port: 0, reason },
    (event) => {
      if (event.event === 'ready') route = event.route
    },
    signal,
  )
  await Promise.all(tunnels.map((tunnel) => tunnel.close(NO_DRAIN)))
  return { state: 'ok', says: `${target} answers, by the ${route} route` }
}

async function readWays(deps: Deps, signal: AbortSignal): Promise<OtherWays> {
  const { region } = deps.installation
  const { bastions, cluster } = await deps.inventory(['bastion', 'cluster'], 'full', signal)
  const ways = await deps.otherWays(cluster?.vpcId, signal)
  return otherWays({
    region,
    bastion: bastions.find(({ state }) => state === 'running')?.id,
    ...ways,
    cluster:
      cluster === undefined ? undefined : { name: cluster.name, publicAccess: cluster.publicAccess ?? [] },
  })
}
