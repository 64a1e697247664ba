/** The contract of our Kubernetes client with the sandbox's API. `test/interop/kubernetes.test.ts` has it with Kubernetes' own. */

import { describe } from 'node:test'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import { WORLD } from '#sandbox/world.ts'
import { describeKube, type KubeBench, startPodServer } from '../support/describe-kube.ts'
import { HERMES, startApi, TOKEN } from './kubernetes-support.ts'

const STRANGER = 'k8s-aws-v1.stranger'

async function makeBench(): Promise<KubeBench> {
  await using parts = new AsyncDisposableStack()
  const pod = parts.use(await startPodServer())
  const world = parts.use(
    await startApi({
      ports: { kubernetes: 1, grafana: 1, payload: 1, product: pod.port },
      authenticate: async (token) => {
        if (token === TOKEN) return { user: 'operator', groups: [] }
        return token === STRANGER ? { user: 'stranger', groups: [] } : undefined
      },
      authorize: ({ user }) => user === 'operator',
    }),
  )
  const accessOf = (token: string): ClusterAccess => ({
    server: `https://127.0.0.1:${world.api.port}`,
    tlsServerName: WORLD.cluster.host,
    ca: world.trust.ca,
    token: async () => ({ value: token, expires: Number.POSITIVE_INFINITY }),
  })
  const { faults } = world.api
  const running = parts.move()
  return {
    namespace: WORLD.namespace,
    access: accessOf(TOKEN),
    stranger: accessOf(STRANGER),
    hermes: HERMES,
    addHermes: async () => faults.createPod({ service: 'hermes' }),
    deletePod: async (pod) => faults.deletePod({ pod }),
    writeLine: async (pod, text) => faults.writeLog({ pod, lines: [text] }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

describe("our Kubernetes client and the sandbox's API", { timeout: 120_000 }, () => describeKube(makeBench))
