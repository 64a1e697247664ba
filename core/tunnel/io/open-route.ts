import type { Clock } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { KubeClient } from '#core/kube/client.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import { openClusterAccess } from '#core/tunnel/cluster-access.ts'
import type { Dialer } from '#core/tunnel/dialer.ts'
import { ClusterDialer } from '#core/tunnel/io/cluster-dialer.ts'
import { findServicePod } from '#core/tunnel/io/find-service-pod.ts'
import type { Listen } from '#core/tunnel/listener.ts'
import type { RoutePlan, ServiceStep } from '#core/tunnel/routes.ts'
import type { ServicePod } from '#core/tunnel/service-pod.ts'

/** What the steps of a plan are carried out with. */
export interface RouteTools {
  /** Starts a port session and gives connections to where its document leads. */
  readonly startSession: (request: SessionRequest, signal?: AbortSignal) => Promise<Dialer>
  /** Called only for a plan that needs the cluster. */
  readonly credentials: () => ClusterCredentials
  readonly listen: Listen
  readonly clock: Clock
  /** Shown in the service's history. */
  readonly reason?: string | undefined
}

/** Carries out a plan. @throws PgctlError of whichever step fails; what was opened for it is closed again. */
export async function openRoute(plan: RoutePlan, tools: RouteTools, signal?: AbortSignal): Promise<Dialer> {
  const { instance: target, document, parameters } = plan
  const first = await tools.startSession({ target, document, parameters, reason: tools.reason }, signal)
  const [step, next] = plan.steps
  if (step === undefined) return first
  if (step.do === 'forward-to-pod')
    return ClusterDialer.open(
      { ...tools, api: first, credentials: tools.credentials(), service: step },
      signal,
    )
  if (step.do !== 'find-pod' || next?.do !== 'session-to-pod')
    throw new TypeError('the plan has no such order of steps')
  const { address, pod, port } = await findThroughApi(first, step, tools, signal)
  if (address === undefined)
    throw new PgctlError('far-end-refused', `the pod ${pod} has no address yet`, {
      next: 'wait until it runs, or leave out --route to go by the cluster',
    })
  const podParameters = { host: [address], portNumber: [String(port)] }
  return tools.startSession(
    { target, document: next.document, parameters: podParameters, reason: tools.reason },
    signal,
  )
}

/** Asks the API that `api` leads to, and closes it. */
async function findThroughApi(
  api: Dialer,
  service: ServiceStep,
  tools: RouteTools,
  signal: AbortSignal | undefined,
): Promise<ServicePod> {
  await using _session = api
  await using access = await openClusterAccess(api, tools.credentials(), tools, signal)
  await using client = new KubeClient(access, tools.clock)
  try {
    return await findServicePod(client, service, undefined, signal)
  } catch (error) {
    throw access.explain(error)
  }
}
