import { systemClock } from '#core/io/system-clock.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import { ClusterDialer } from '#core/tunnel/io/cluster-dialer.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import type { ServiceStep } from '#core/tunnel/routes.ts'
import { WORLD } from '#sandbox/world.ts'
import { startApi, type TestApi, TOKEN } from '../contract/kubernetes-support.ts'
import { TcpDialer } from './tcp-dialer.ts'

export const GRAFANA: ServiceStep = {
  namespace: WORLD.namespace,
  service: 'grafana',
  port: 4500,
  portIsDefault: true,
}
export const SHELL = { listen: listenLocally, clock: systemClock }

/** A cluster of the sandbox, in which every Service leads to one port of the loopback. */
export interface ClusterBench extends AsyncDisposable {
  readonly world: TestApi
  readonly credentials: ClusterCredentials
  /** A way to the cluster's API that is no session. */
  openApi(): TcpDialer
  openDialer(service?: ServiceStep, api?: TcpDialer): Promise<ClusterDialer>
}

export async function openClusterBench(port: number, token = TOKEN): Promise<ClusterBench> {
  const world = await startApi({ ports: { kubernetes: 1, grafana: port, payload: port, product: port } })
  const { ca, servername: host } = world.trust
  const credentials: ClusterCredentials = {
    endpoint: async () => ({ name: WORLD.cluster.name, host, port: 443, ca }),
    token: async () => ({ value: token, expires: Number.POSITIVE_INFINITY }),
  }
  const openApi = () => new TcpDialer({ host: '127.0.0.1', port: world.api.port })
  return {
    world,
    credentials,
    openApi,
    openDialer: (service = GRAFANA, api = openApi()) =>
      ClusterDialer.open({ ...SHELL, api, credentials, service }),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}
