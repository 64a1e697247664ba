import type { Duplex } from 'node:stream'
import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { openRoute } from '#core/tunnel/io/open-route.ts'
import { type ProxyEvent, ProxyServer } from '#core/tunnel/io/proxy-server.ts'
import { RoutePool } from '#core/tunnel/io/route-pool.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { planLocalPort } from '#core/tunnel/local-port.ts'
import type { Credentials, Destination } from '#core/tunnel/proxy/handshake.ts'
import { judgeDestination, type ProxyScope, parseAddresses } from '#core/tunnel/proxy/scope.ts'
import { NO_DATASTORES, resolveTarget, type Target } from '#core/tunnel/resolve-target.ts'
import { chooseRoute } from '#core/tunnel/routes.ts'
import type { TargetWord } from '#core/tunnel/target.ts'
import { outputOf } from './command-output.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'

export interface ProxyWishes {
  readonly port: number | undefined
  readonly any: boolean
  readonly reason: string | undefined
  readonly report: (event: ProxyEvent) => void
  /** What happens to the ways there. */
  readonly onRoute: (target: string, event: DialerEvent) => void
}

export interface OpenProxy extends AsyncDisposable {
  readonly address: string
  readonly port: number
  readonly credentials: Credentials
}

/** Opens a proxy into the installation; sessions are started when a client first wants to go somewhere. */
export async function openProxy(deps: Deps, wishes: ProxyWishes, signal: AbortSignal): Promise<OpenProxy> {
  const [context, { bastion }, cluster, inventory] = await allInOrder([
    deps.sessions(signal),
    deps.bastion(signal),
    deps.clusterCredentials.endpoint(signal).catch(() => undefined),
    deps.inventory(['postgres', 'redis', 'kafka'], 'way', signal),
  ])
  const stores = inventory.datastores.flatMap(({ endpoints }) => endpoints)
  const scope: ProxyScope = {
    endpoints: [...stores, ...(cluster === undefined ? [] : [cluster])],
    namespace: deps.namespace,
    any: wishes.any,
  }
  const facts = { bastion: bastion.id, cluster, namespace: deps.namespace, portDocument: deps.portDocument }
  const pool = new RoutePool<Target>({
    nameOf: ({ name }) => name,
    open: (target, opening) =>
      openRoute(
        chooseRoute(target, facts, undefined),
        {
          startSession: (request, starting) => SessionDialer.open(context, request, starting),
          credentials: () => deps.clusterCredentials,
          listen: listenLocally,
          clock: systemClock,
          reason: wishes.reason,
        },
        opening,
      ),
    onEvent: ({ name }, event) => wishes.onRoute(name, event),
  })
  let addresses: Promise<ReadonlySet<string>> | undefined
  const isEndpointAddress = async (host: string) => {
    addresses ??= lookUpThere(context, bastion.id, scope, signal)
    return (await addresses).has(host)
  }
  const credentials = { user: 'pgctl', password: Buffer.from(systemRandom(24)).toString('base64url') }
  const server = await ProxyServer.open({
    plan: planLocalPort({
      workspace: deps.installation.workspace,
      target: 'proxy',
      asked: wishes.port,
    }),
    credentials,
    clock: systemClock,
    connect: (to, connecting) => connectTo(to, { scope, isEndpointAddress, deps, pool }, connecting),
    report: wishes.report,
  })
  return {
    address: server.address,
    port: server.port,
    credentials,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await pool[Symbol.asyncDispose]()
    },
  }
}

interface Ways {
  readonly scope: ProxyScope
  readonly isEndpointAddress: (host: string) => Promise<boolean>
  readonly deps: Deps
  readonly pool: RoutePool<Target>
}

async function connectTo(to: Destination, ways: Ways, signal: AbortSignal): Promise<Duplex> {
  const verdict = judgeDestination(to, ways.scope)
  if (verdict.allowed === false) throw notAllowed(to, verdict.why)
  if (verdict.allowed === 'if-endpoint' && !(await ways.isEndpointAddress(to.host)))
    throw notAllowed(to, 'it is the address of none of the datastores')
  return ways.pool.connect(targetOf(verdict.word, ways.deps), signal)
}

function targetOf(word: TargetWord, { profile }: Deps): Target {
  return resolveTarget(word, { ...profile, datastores: NO_DATASTORES })
}

function notAllowed(to: Destination, why: string): PgctlError {
  return new PgctlError(
    'permission-denied',
    `the proxy does not lead to ${formatHostPort(to.host, to.port)}`,
    {
      why,
      next: 'open it to whatever the bastion reaches: pgctl proxy --any',
    },
  )
}

/** The addresses of the endpoints, as the bastion looks them up: a client may have looked one up by itself. */
async function lookUpThere(
  context: Awaited<ReturnType<Deps['sessions']>>,
  target: string,
  { endpoints }: ProxyScope,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const words = ['getent', 'ahosts', ...new Set(endpoints.map(({ host }) => host))]
  return new Set(parseAddresses(await outputOf({ context, target, words }, signal)))
}
