/**
 * Which rights in the cluster each command needs, and the two roles that give them: the one table from which manifests,
 * documents and the words of a refusal are made.
 */

/** One right, as access rules spell it. */
export interface ClusterRight {
  readonly verb: string
  /** The empty group is the core one. */
  readonly group: string
  /** With its subresource: `pods/portforward`. */
  readonly resource: string
}

/** A rule of a role. */
export interface ClusterRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

export const ROLE_NAMES = ['view', 'operate'] as const
export type RoleName = (typeof ROLE_NAMES)[number]

function core(resource: string, ...verbs: readonly string[]): readonly ClusterRight[] {
  return verbs.map((verb) => ({ verb, group: '', resource }))
}

/** A WebSocket to a pod is a GET, and since 1.35 needs the right to create as well. */
const FORWARD = core('pods/portforward', 'get', 'create')
const SERVICES = core('services', 'get', 'list')
const HELM_READS = core('secrets', 'get', 'list')

/** By command; `kubectl`, `run` and `shell` need what is asked of them. */
export const CLUSTER_RIGHTS: Readonly<Record<string, readonly ClusterRight[]>> = {
  tunnel: [...SERVICES, ...core('pods', 'list'), ...FORWARD],
  status: core('services', 'list'),
  logs: [...SERVICES, ...core('pods', 'get', 'list', 'watch'), ...core('pods/log', 'get')],
  'analytics status': core('configmaps', 'get'),
  'analytics on': core('configmaps', 'get', 'patch'),
  'analytics off': core('configmaps', 'get', 'patch'),
  'snapshots create': HELM_READS,
  'snapshots verify': HELM_READS,
  'kubectl get': core('pods', 'get', 'list'),
  'helm list': HELM_READS,
  'helm install': [
    ...HELM_READS,
    ...core('secrets', 'create', 'update', 'delete'),
    ...['create', 'patch', 'delete'].map((verb) => ({ verb, group: 'apps', resource: 'deployments' })),
  ],
}

const READ = ['get', 'list', 'watch'] as const
const WRITE = ['create', 'update', 'patch', 'delete'] as const

/** What a product is made of, without its Secrets. */
const CONTENTS: readonly (readonly [group: string, resources: readonly string[]])[] = [
  [
    '',
    ['pods', 'services', 'endpoints', 'configmaps', 'events', 'persistentvolumeclaims', 'serviceaccounts'],
  ],
  ['apps', ['deployments', 'replicasets', 'statefulsets', 'daemonsets']],
  ['batch', ['jobs', 'cronjobs']],
  ['autoscaling', ['horizontalpodautoscalers']],
  ['networking.k8s.io', ['ingresses', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets']],
  ['discovery.k8s.io', ['endpointslices']],
  ['rbac.authorization.k8s.io', ['roles', 'rolebindings']],
]

function rule(group: string, resources: readonly string[], verbs: readonly string[]): ClusterRule {
  return { apiGroups: [group], resources, verbs }
}

const VIEW: readonly ClusterRule[] = [
  ...CONTENTS.map(([group, resources]) => rule(group, resources, READ)),
  rule('', ['pods/log'], ['get']),
  rule('', ['pods/portforward'], ['get', 'create']),
]

/** Whoever may change roles may give away no right that is not their own: the API sees to it. */
const OPERATE: readonly ClusterRule[] = [
  ...VIEW,
  ...CONTENTS.filter(([group]) => group !== 'discovery.k8s.io').map(([group, resources]) =>
    rule(
      group,
      resources.filter((resource) => resource !== 'endpoints' && resource !== 'events'),
      WRITE,
    ),
  ),
  // Helm keeps its releases in Secrets.
  rule('', ['secrets'], [...READ, ...WRITE]),
  rule('', ['pods/exec'], ['get', 'create']),
  rule('', ['pods/eviction'], ['create']),
  rule('apps', ['deployments/scale', 'statefulsets/scale'], ['get', 'update', 'patch']),
]

export const ROLES: Readonly<Record<RoleName, readonly ClusterRule[]>> = { view: VIEW, operate: OPERATE }

/** The smaller of the two roles that gives a right; undefined where neither does. */
export function roleGiving(right: ClusterRight): RoleName | undefined {
  return ROLE_NAMES.find((name) => ROLES[name].some((each) => gives(each, right)))
}

/** The provider's roles that one may take for a time. */
export type LentRole = 'edit' | 'admin' | 'cluster-admin'

/** The smallest of them that gives a right which our own role `operate` has. */
export function lentRoleGiving({ group, resource }: ClusterRight): LentRole {
  if (resource === 'pods/eviction') return 'cluster-admin'
  return group === 'rbac.authorization.k8s.io' ? 'admin' : 'edit'
}

/** How one comes by a right that one of our roles has. */
export function waysTo(right: ClusterRight): string {
  const role = roleGiving(right)
  const ours = `the role ${role} has it: pgctl iam kubernetes --role ${role}`
  // Who may not even look is not helped by a right to change things.
  if (role === 'view') return ours
  return `${ours}; for a time: pgctl bastion elevate ${lentRoleGiving(right)} --for 1h --reason TEXT`
}

function gives(
  { apiGroups, resources, verbs }: ClusterRule,
  { verb, group, resource }: ClusterRight,
): boolean {
  return apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb)
}
