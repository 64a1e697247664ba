/** Stands in for the HTTP services of the product: healthy, and telling its name. */

import { WORLD_SERVICES, WORLDS, type WorldService } from '#sandbox/world.ts'
import { type RunningService, sendJson, startHttpService, urlOf } from './http-service.ts'

export interface ProductOptions {
  readonly port?: number
}

const SERVICES = (Object.keys(WORLD_SERVICES) as WorldService[]).filter(
  (service) => service !== 'grafana' && service !== 'payload',
)

/**
 * Starts the one listener behind all services of the product. The one that is meant is told by Host where that is
 * a name or an address of the cluster; behind a tunnel, whose Host is this computer, all of them answer.
 */
export function startProduct(options: ProductOptions = {}): Promise<RunningService> {
  return startHttpService({
    port: options.port,
    handle(request, response) {
      const services = servicesOf(request.headers.host ?? '')
      switch (urlOf(request).pathname) {
        case '/healthz':
          return sendJson(response, 200, { status: 'ok', services })
        case '/':
          return sendJson(response, 200, { product: 'paragon', services })
        default:
          return sendJson(response, 404, { error: 'not found' })
      }
    },
  })
}

function servicesOf(host: string): readonly WorldService[] {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const service =
    SERVICES.find((candidate) => candidate === name.split('.')[0]) ??
    SERVICES.find((candidate) => WORLD_SERVICES[candidate].clusterIp === name) ??
    WORLDS.flatMap(({ pods }) => pods).find((pod) => pod.address === name || pod.name === name)?.service
  return service ? [service] : SERVICES
}
