import type { ClusterRule } from '#core/kube/rights.ts'

/**
 * What EKS' own access policies permit, row by row as its user guide has them ("Review access policy permissions").
 * Other than pgctl's role of that name, its view policy has no pods/portforward.
 */

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update']

const VIEW: readonly ClusterRule[] = [
  rule(
    'apps',
    [
      ...['controllerrevisions', 'daemonsets', 'daemonsets/status', 'deployments', 'deployments/scale'],
      ...['deployments/status', 'replicasets', 'replicasets/scale', 'replicasets/status', 'statefulsets'],
      ...['statefulsets/scale', 'statefulsets/status'],
    ],
    READ,
  ),
  rule('autoscaling', ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'], READ),
  rule('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], READ),
  rule('discovery.k8s.io', ['endpointslices'], READ),
  rule(
    'extensions',
    [
      ...['daemonsets', 'daemonsets/status', 'deployments', 'deployments/scale', 'deployments/status'],
      ...['ingresses', 'ingresses/status', 'networkpolicies', 'replicasets', 'replicasets/scale'],
      ...['replicasets/status', 'replicationcontrollers/scale'],
    ],
    READ,
  ),
  rule('networking.k8s.io', ['ingresses', 'ingresses/status', 'networkpolicies'], READ),
  rule('policy', ['poddisruptionbudgets', 'poddisruptionbudgets/status'], READ),
  rule(
    '',
    [
      ...['configmaps', 'endpoints', 'persistentvolumeclaims', 'persistentvolumeclaims/status', 'pods'],
      ...['replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services'],
      'services/status',
    ],
    READ,
  ),
  rule(
    '',
    [
      ...['bindings', 'events', 'limitranges', 'namespaces/status', 'pods/log', 'pods/status'],
      ...['replicationcontrollers/status', 'resourcequotas', 'resourcequotas/status'],
    ],
    READ,
  ),
  rule('', ['namespaces'], READ),
]

const INTO_PODS = ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy']

const EDIT: readonly ClusterRule[] = [
  ...VIEW,
  rule(
    'apps',
    [
      ...['daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'replicasets'],
      ...['replicasets/scale', 'statefulsets', 'statefulsets/scale'],
    ],
    WRITE,
  ),
  rule('autoscaling', ['horizontalpodautoscalers'], WRITE),
  rule('batch', ['cronjobs', 'jobs'], WRITE),
  rule(
    'extensions',
    [
      ...['daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale', 'ingresses'],
      ...['networkpolicies', 'replicasets', 'replicasets/scale', 'replicationcontrollers/scale'],
    ],
    WRITE,
  ),
  rule('networking.k8s.io', ['ingresses', 'networkpolicies'], WRITE),
  rule('policy', ['poddisruptionbudgets'], WRITE),
  rule('', [...INTO_PODS, 'secrets', 'services/proxy'], READ),
  rule('', ['serviceaccounts'], ['impersonate']),
  rule('', ['pods', ...INTO_PODS], WRITE),
  rule(
    '',
    [
      ...['configmaps', 'events', 'persistentvolumeclaims', 'replicationcontrollers'],
      ...['replicationcontrollers/scale', 'secrets', 'serviceaccounts', 'services', 'services/proxy'],
    ],
    WRITE,
  ),
]

const ADMIN: readonly ClusterRule[] = [
  ...EDIT,
  rule('authorization.k8s.io', ['localsubjectaccessreviews'], ['create']),
  rule('rbac.authorization.k8s.io', ['rolebindings', 'roles'], [...READ, ...WRITE]),
]

/** By name; those that people are given. The last one has every path that names no resource as well. */
export const ACCESS_POLICIES = {
  AmazonEKSViewPolicy: VIEW,
  AmazonEKSEditPolicy: EDIT,
  AmazonEKSAdminPolicy: ADMIN,
  AmazonEKSClusterAdminPolicy: [rule('*', ['*'], ['*'])],
} as const satisfies Readonly<Record<string, readonly ClusterRule[]>>

export type AccessPolicyName = keyof typeof ACCESS_POLICIES

function rule(group: string, resources: readonly string[], verbs: readonly string[]): ClusterRule {
  return { apiGroups: [group], resources, verbs }
}
