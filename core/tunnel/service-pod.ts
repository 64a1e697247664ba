import { PgctlError } from '#core/errors.ts'
import type { ClusterPod } from '#core/kube/pods.ts'
import { type ClusterService, podPortOf, type ServicePort } from '#core/kube/services.ts'
import { nearest } from '#core/text/nearest.ts'
import type { ServiceStep } from '#core/tunnel/routes.ts'

const NAMES_SHOWN = 20

/** One way into a Service: a pod that takes its traffic, and the pod's own port. */
export interface ServicePod {
  readonly namespace: string
  readonly pod: string
  readonly port: number
  /** Inside the VPC; undefined while the pod has none. */
  readonly address: string | undefined
}

/**
 * The port of the Service that is wanted. A product's default that this installation has changed gives way to the
 * Service's own port, if there is no doubt which.
 * @throws PgctlError `target-unknown` for a port that the Service does not have.
 */
export function chooseServicePort(service: ClusterService, wanted: ServiceStep): ServicePort {
  const [first, ...others] = service.ports
  const exact = service.ports.find(({ port }) => port === wanted.port)
  if (exact !== undefined) return exact
  if (wanted.portIsDefault && first !== undefined && others.length === 0) return first
  throw new PgctlError('target-unknown', `the Service ${service.name} has no port ${wanted.port}`, {
    why: first ? `it has ${service.ports.map(({ port }) => port).join(', ')}` : 'it has no TCP port at all',
    next: first ? `name one of its ports: pgctl tunnel ${service.name}:${first.port}` : undefined,
  })
}

/**
 * A pod to connect to: the first that is ready, but not `avoided`, the one that has just failed, unless it is the
 * only one.
 * @throws PgctlError `far-end-refused` when no pod can take a connection, saying how each of them is.
 */
export function chooseServicePod(
  service: ClusterService,
  port: ServicePort,
  pods: readonly ClusterPod[],
  avoided: string | undefined,
): ServicePod {
  const usable = pods.flatMap((pod) => {
    const podPort = pod.ready ? podPortOf(port, pod) : undefined
    return podPort === undefined ? [] : [{ pod, podPort }]
  })
  const chosen = usable.find(({ pod }) => pod.name !== avoided) ?? usable[0]
  if (chosen === undefined) throw noPod(service, port, pods)
  const { pod, podPort } = chosen
  return { namespace: pod.namespace, pod: pod.name, port: podPort, address: pod.address }
}

/**
 * The error of a Service that is not among those of its namespace: the nearest ones, or why there may be none. Of a
 * monitor where no monitor is there, it is the installation that has none.
 */
export function serviceUnknown(wanted: ServiceStep, there: readonly ClusterService[]): PgctlError {
  const { namespace, service, monitors } = wanted
  const names = there.map(({ name }) => name)
  const why = names.length === 0 ? 'the namespace has no Services' : `there are ${listed(names)}`
  const near = nearWords(wanted, there)
  if (near === undefined && monitors !== undefined && !monitors.some((monitor) => names.includes(monitor)))
    return new PgctlError('service-unknown', `this installation is unmanaged: it has no ${service}`, {
      why: `namespace ${namespace} has none of the product's monitors; ${why}`,
      next: `do without it, or look elsewhere: another namespace is set by "namespace:" in the installation's entry`,
    })
  return new PgctlError('service-unknown', `there is no Service ${service} in namespace ${namespace}`, {
    why,
    next: near ?? otherwise(wanted),
  })
}

/** With a port each: a name alone is known only where the product lists it. */
function nearWords({ service, port }: ServiceStep, there: readonly ClusterService[]): string | undefined {
  const portsOf = new Map(there.map(({ name, ports }) => [name, ports.map((each) => each.port)]))
  const words = nearest(service, portsOf.keys()).map((name) => {
    const own = portsOf.get(name) ?? []
    return `pgctl tunnel ${name}:${own.includes(port) ? port : (own[0] ?? port)}`
  })
  return words.length > 0 ? `try ${words.join(' or ')}` : undefined
}

function otherwise({ service, monitors }: ServiceStep): string {
  const elsewhere = `another namespace is set by "namespace:" in the installation's entry`
  return monitors === undefined
    ? `name one that is there; ${elsewhere}`
    : `do without ${service}: this installation has other monitors; ${elsewhere}`
}

/** Not all of a large namespace. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}

function noPod(service: ClusterService, port: ServicePort, pods: readonly ClusterPod[]): PgctlError {
  const { name, namespace } = service
  if (pods.some((pod) => pod.ready))
    return new PgctlError('far-end-refused', `no pod of ${name} serves its port ${port.port}`, {
      why: `the Service sends it to the port named "${port.target}", which none of its pods declares`,
    })
  const states = pods.map((pod) => `${pod.name}: ${stateOf(pod)}`)
  return new PgctlError('far-end-refused', `no pod of ${name} is ready in namespace ${namespace}`, {
    why: states.length > 0 ? states.slice(0, 5).join('; ') : 'the Service has no pods',
    next: `see what they say: pgctl logs ${name}`,
  })
}

function stateOf(pod: ClusterPod): string {
  if (pod.leaving) return 'being deleted'
  if (pod.trouble !== undefined) return pod.trouble
  const waiting = pod.containers.flatMap(({ state }) => (state.kind === 'waiting' ? [state.why] : []))
  return waiting[0] ?? 'not ready'
}
