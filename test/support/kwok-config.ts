import { stringify } from 'yaml'

/**
 * What kwok is told to pretend: nodes and pods that become ready at once, logs that are files, and port-forwards to
 * the loopback. Its own stages leave a container's id out, without which `stern` follows nothing.
 */
export function kwokConfig(options: {
  readonly namespace: string
  readonly pods: readonly { readonly name: string; readonly container: string; readonly log: string }[]
  readonly forwards: readonly { readonly port: number; readonly to: number }[]
}): string {
  const { namespace, pods, forwards } = options
  const kwok = (kind: string, name: string, spec: object, within?: string) => ({
    kind,
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    metadata: { name, ...(within === undefined ? {} : { namespace: within }) },
    spec,
  })
  return [
    {
      kind: 'KwokConfiguration',
      apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
      options: { enableDebuggingHandlers: true },
    },
    ...pods.map(({ name, container, log }) =>
      kwok('Logs', name, { logs: [{ containers: [container], logsFile: log, follow: true }] }, namespace),
    ),
    kwok('ClusterExec', 'host', { execs: [{ local: { workDir: '/tmp' } }] }),
    kwok('ClusterPortForward', 'loopback', {
      forwards: forwards.map(({ port, to }) => ({
        ports: [port],
        target: { address: '127.0.0.1', port: to },
      })),
    }),
    kwok('Stage', 'node-ready', {
      resourceRef: { apiGroup: 'v1', kind: 'Node' },
      selector: {
        matchExpressions: [{ key: '.status.phase', operator: 'NotIn', values: ['Running'] }],
      },
      next: { statusTemplate: NODE_STATUS },
    }),
    kwok('Stage', 'pod-ready', {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: {
        matchExpressions: [
          { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' },
          { key: '.status.podIP', operator: 'DoesNotExist' },
        ],
      },
      next: { statusTemplate: POD_STATUS },
    }),
    kwok('Stage', 'pod-delete', {
      resourceRef: { apiGroup: 'v1', kind: 'Pod' },
      selector: { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] },
      next: { finalizers: { empty: true }, delete: true },
    }),
  ]
    .map((document) => stringify(document))
    .join('---\n')
}

const NODE_STATUS = `{{ $now := Now }}
phase: Running
conditions:
- {type: Ready, status: "True", reason: KubeletReady, message: "", lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
addresses:
- {type: InternalIP, address: {{ NodeIP | Quote }}}
daemonEndpoints: {kubeletEndpoint: {Port: {{ NodePort }}}}
allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
`

const POD_STATUS = `{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  containerID: {{ printf "containerd://%s" .name | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
`
