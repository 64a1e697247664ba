import { type ErrorCode, PgctlError } from '#core/errors.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'

/** Forwards to any host that the instance can reach; the plain port-forwarding document stops at the instance. */
const REMOTE_HOST_DOCUMENT = 'AWS-StartPortForwardingSessionToRemoteHost'

/** What there is to build a route from. */
export interface RouteFacts {
  /** The instance that answers for the installation; undefined where none was found or looked for. */
  readonly bastion: string | undefined
  readonly cluster: { readonly host: string; readonly port: number } | undefined
  readonly namespace: string | undefined
  /** The document that leads to a host and port and nowhere else, where only such may be used. */
  readonly portDocument?: ((host: string, port: number) => string) | undefined
}

/** One way to a target, as data: the session to start first, and what is done through it. */
export interface RoutePlan {
  readonly route: RouteName
  readonly instance: string
  readonly document: string
  readonly parameters: Readonly<Record<string, readonly string[]>>
  /** What follows inside the session; empty where the session itself ends at the target. */
  readonly steps: readonly RouteStep[]
  /** Why this way, in a clause. */
  readonly why: string
}

export type RouteStep =
  /** Kubernetes port-forward to a ready pod of the Service, one for each connection. */
  | PodStep<'forward-to-pod'>
  /** The address of a ready pod of the Service, from the cluster's API. */
  | PodStep<'find-pod'>
  /** A second session, of `document`, to the address that `find-pod` gave. */
  | { readonly do: 'session-to-pod'; readonly document: string }

interface PodStep<Name extends string> {
  readonly do: Name
  readonly namespace: string
  readonly service: string
  /** The Service's port; the pod's own may differ. */
  readonly port: number
  /** Whether `port` is a product's default, which this installation's Service may have changed. */
  readonly portIsDefault: boolean
  /** The names of all of the product's monitors where it is one: not every installation has them. */
  readonly monitors?: readonly string[]
}

/** A Service and the port of it that is wanted. */
export type ServiceStep = Omit<PodStep<string>, 'do'>

/** A way that cannot be taken, and the error that it would be. */
export interface RouteRefusal {
  readonly route: RouteName
  readonly code: Extract<ErrorCode, 'usage' | 'bastion-missing' | 'cluster-missing'>
  readonly why: string
}

/** All ways to a target: the possible ones, best first, and the others with the reason. */
export interface Routes {
  readonly possible: readonly RoutePlan[]
  readonly refused: readonly RouteRefusal[]
}

type Attempt = RoutePlan | RouteRefusal

/** Every way there might be to `target`, judged by what is there. */
export function findRoutes(target: Target, facts: RouteFacts): Routes {
  const attempts = attemptsFor(target, facts)
  return {
    possible: attempts.filter((attempt) => 'steps' in attempt),
    refused: attempts.filter((attempt) => 'code' in attempt),
  }
}

/**
 * The way to take: the best possible one, or the one that `--route` asks for.
 * @throws PgctlError `usage` for a way that cannot lead there, `bastion-missing` or `cluster-missing` for a part
 * that is not there.
 */
export function chooseRoute(target: Target, facts: RouteFacts, asked: RouteName | undefined): RoutePlan {
  const { possible, refused } = findRoutes(target, facts)
  const plan = possible.find(({ route }) => asked === undefined || route === asked)
  if (plan !== undefined) return plan
  const [refusal] = refused.filter(({ route }) => asked === undefined || route === asked)
  const way = asked === undefined ? 'way' : `${asked} way`
  throw new PgctlError(refusal?.code ?? 'usage', `there is no ${way} to ${target.name}`, {
    why: refusal?.why,
    next: nextFor(refusal?.code, possible[0]?.route),
  })
}

/** In order of preference. */
function attemptsFor(target: Target, facts: RouteFacts): readonly Attempt[] {
  switch (target.kind) {
    case 'host':
      return [
        directToHost(target.instance ?? facts.bastion, target.host, target.port, facts),
        { route: 'cluster', code: 'usage', why: 'a cluster forwards to its own pods, not to other hosts' },
      ]
    case 'cluster':
      return [
        directToCluster(facts),
        { route: 'cluster', code: 'usage', why: "a cluster's API is not reached through itself" },
      ]
    case 'service':
      return [podForward(target, facts), directToPod(target, facts)]
  }
}

function directToHost(instance: string | undefined, host: string, port: number, facts: RouteFacts): Attempt {
  if (instance === undefined) return noBastion('direct')
  const why = `${instance} connects to ${formatHostPort(host, port)}`
  return { route: 'direct', instance, ...sessionTo(host, port, facts), steps: [], why }
}

function directToCluster(facts: RouteFacts): Attempt {
  if (facts.cluster === undefined) return noCluster('direct')
  return directToHost(facts.bastion, facts.cluster.host, facts.cluster.port, facts)
}

function podForward(target: Target & { kind: 'service' }, facts: RouteFacts): Attempt {
  const why = 'a Service has no address outside its cluster, so the cluster forwards to one of its pods'
  return throughCluster('cluster', target, facts, why, (step) => [{ do: 'forward-to-pod', ...step }])
}

function directToPod(target: Target & { kind: 'service' }, facts: RouteFacts): Attempt {
  if (facts.portDocument !== undefined)
    return {
      route: 'direct',
      code: 'usage',
      why: 'no document of the installation leads to an address of a pod',
    }
  const why = "a pod's address can often be reached from the bastion; the cluster's API tells it"
  return throughCluster('direct', target, facts, why, (step) => [
    { do: 'find-pod', ...step },
    { do: 'session-to-pod', document: REMOTE_HOST_DOCUMENT },
  ])
}

function throughCluster(
  route: RouteName,
  target: Target & { kind: 'service' },
  facts: RouteFacts,
  why: string,
  stepsFor: (step: ServiceStep) => readonly RouteStep[],
): Attempt {
  const { bastion, cluster, namespace } = facts
  if (bastion === undefined) return noBastion(route)
  if (cluster === undefined) return noCluster(route)
  if (namespace === undefined)
    return { route, code: 'usage', why: 'a Service is found by its namespace, and none is known' }
  const { service, port, protocolCertain: portIsDefault, monitors } = target
  const steps = stepsFor({ namespace, service, port, portIsDefault, ...(monitors && { monitors }) })
  return { route, instance: bastion, ...sessionTo(cluster.host, cluster.port, facts), steps, why }
}

function sessionTo(
  host: string,
  port: number,
  { portDocument }: RouteFacts,
): Pick<RoutePlan, 'document' | 'parameters'> {
  if (portDocument !== undefined) return { document: portDocument(host, port), parameters: {} }
  return { document: REMOTE_HOST_DOCUMENT, parameters: { host: [host], portNumber: [String(port)] } }
}

function noBastion(route: RouteName): RouteRefusal {
  return { route, code: 'bastion-missing', why: 'no bastion was found' }
}

function noCluster(route: RouteName): RouteRefusal {
  return { route, code: 'cluster-missing', why: 'no cluster was found' }
}

function nextFor(code: RouteRefusal['code'] | undefined, other: RouteName | undefined): string | undefined {
  if (other !== undefined) return `leave out --route: the ${other} way is there`
  return code === 'usage' ? undefined : 'see what there is: pgctl status'
}
