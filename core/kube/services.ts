import * as z from 'zod'
import type { ClusterPod } from '#core/kube/pods.ts'

/** One Service: a name inside the cluster, and the pods behind it. */
export interface ClusterService {
  readonly name: string
  readonly namespace: string
  /** Its own labels, by which it says whose it is. */
  readonly labels: Readonly<Record<string, string>>
  /** Labels of its pods; empty for a Service that has no pods of its own. */
  readonly selector: Readonly<Record<string, string>>
  readonly ports: readonly ServicePort[]
}

export interface ServicePort {
  readonly name: string | undefined
  readonly port: number
  /** The port of the pods: a number, or the name that their containers give it. */
  readonly target: number | string
}

/** The wire form of a Service; what is not needed is dropped. */
export const serviceSchema = z
  .object({
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      labels: z.record(z.string(), z.string()).nullish(),
    }),
    spec: z.object({
      selector: z.record(z.string(), z.string()).default({}),
      ports: z
        .array(
          z.object({
            name: z.string().optional(),
            port: z.number(),
            targetPort: z.union([z.number(), z.string()]).optional(),
            protocol: z.string().default('TCP'),
          }),
        )
        .default([]),
    }),
  })
  .transform(
    ({ metadata, spec }): ClusterService => ({
      name: metadata.name,
      namespace: metadata.namespace,
      labels: metadata.labels ?? {},
      selector: spec.selector,
      ports: spec.ports
        .filter(({ protocol }) => protocol === 'TCP')
        .map(({ name, port, targetPort }) => ({ name, port, target: targetPort ?? port })),
    }),
  )

/** The port of `pod` that serves `port` of the Service; undefined when the pod does not declare the port's name. */
export function podPortOf(port: ServicePort, pod: ClusterPod): number | undefined {
  return typeof port.target === 'number' ? port.target : pod.namedPorts[port.target]
}
