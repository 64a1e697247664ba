import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { Clock, Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type ApiSubject, connectionError, KubeApiError } from '#core/kube/api-error.ts'
import { answerError, pathOf } from '#core/kube/client.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import type { ClusterToken } from '#core/kube/credentials.ts'
import { PortForwardStream } from '#core/kube/port-forward-stream.ts'
import { clusterTls } from '#core/kube/tls.ts'

/** One port of one pod: the container's own port, not a Service's. */
export interface PodPort {
  readonly namespace: string
  readonly pod: string
  readonly port: number
}

const PROTOCOL = 'v4.channel.k8s.io'
/** From the first packet to the switch of protocols: a tunnel's first connection opens a session on the way. */
const HANDSHAKE_LIMIT: Ms = 30_000

/**
 * Opens a TCP connection to a port of a pod, through the cluster's API. One WebSocket carries one connection.
 *
 * The stream is open when the API has switched protocols; whether anything listens inside the pod is learnt later,
 * and then destroys the stream with `far-end-refused`. How the stream ends: {@link PortForwardStream}.
 *
 * @throws PgctlError `permission-denied` (it takes `get` and, since Kubernetes 1.35, `create` on
 * `pods/portforward`), `target-unknown` for a pod that is not there, `far-end-refused` for one that does not run,
 * `cluster-unreachable`.
 */
export async function openPortForward(
  access: ClusterAccess,
  target: PodPort,
  signal?: AbortSignal,
  clock: Clock = systemClock,
): Promise<Duplex> {
  const token = await access.token({ signal })
  try {
    return new PortForwardStream(await connect(access, target, token, signal), target, clock)
  } catch (error) {
    if (!(error instanceof KubeApiError && error.status === 401)) throw error
    const renewed = await access.token({ refused: token, signal })
    return new PortForwardStream(await connect(access, target, renewed, signal), target, clock)
  }
}

function connect(
  access: ClusterAccess,
  target: PodPort,
  token: ClusterToken,
  signal: AbortSignal | undefined,
): Promise<WebSocket> {
  signal?.throwIfAborted()
  const socket = new WebSocket(urlOf(access, target), PROTOCOL, {
    ...clusterTls(access),
    headers: { authorization: `Bearer ${token.value}`, 'user-agent': 'pgctl' },
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_LIMIT,
  })
  // The far side speaks first (it names the port); nothing may be read before the stream is there to take it.
  socket.once('open', () => socket.pause())
  return new Promise((resolve, reject) => {
    const settle = (action: () => void) => {
      signal?.removeEventListener('abort', onAbort)
      socket.removeAllListeners()
      action()
    }
    const fail = (error: unknown) =>
      settle(() => {
        // A handshake that is given up reports so once more, and nobody listens any longer.
        socket.on('error', () => {})
        socket.terminate()
        reject(error)
      })
    const onAbort = () => fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('open', () => settle(() => resolve(socket)))
    socket.once('error', (error) => fail(connectionError(access.tlsServerName, error)))
    socket.once('unexpected-response', (_: ClientRequest, response: IncomingMessage) => {
      refusalOf(access, target, response).then(fail, fail)
    })
  })
}

function subjectOf(target: PodPort): ApiSubject {
  return { verb: 'create', resource: 'pods/portforward', namespace: target.namespace, name: target.pod }
}

function urlOf(access: ClusterAccess, target: PodPort): URL {
  const url = new URL(pathOf({ ...subjectOf(target), query: { ports: target.port } }), access.server)
  url.protocol = 'wss:'
  return url
}

async function refusalOf(
  access: ClusterAccess,
  target: PodPort,
  response: IncomingMessage,
): Promise<PgctlError> {
  const error = await answerError(subjectOf(target), access.tlsServerName, response)
  if (error.status !== 400 && error.status !== 500) return error
  return new PgctlError(
    'far-end-refused',
    `the pod ${target.pod} takes no connection to port ${target.port}`,
    {
      why: error.why ?? messageOf(error),
      requestId: error.requestId,
      cause: error,
    },
  )
}
