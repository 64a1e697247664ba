import { type ClusterRule, ROLE_NAMES, ROLES } from '#core/kube/rights.ts'
import { groupOf } from '#core/kube/role-manifests.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACCESS_POLICIES, type AccessPolicyName } from './access-policies.ts'
import type { Attributes } from './request-info.ts'

/**
 * One of the cloud's policies, and where it holds: in the whole cluster, or in namespaces, in whose names `*` stands for
 * anything.
 */
export interface ScopedPolicy {
  readonly name: AccessPolicyName
  readonly namespaces: readonly string[] | 'all'
}

/** Who asks, as the cloud tells the cluster. */
export interface KubernetesUser {
  readonly user: string
  readonly groups: readonly string[]
  readonly policies?: readonly ScopedPolicy[]
}

/** Rules that a group has in a namespace. */
interface Binding {
  readonly group: string
  readonly namespace: string
  readonly rules: readonly ClusterRule[]
}

/** The roles of `pgctl iam kubernetes`, as an administrator of the cluster has applied them. */
const BINDINGS: readonly Binding[] = ROLE_NAMES.map((role) => ({
  group: groupOf(role),
  namespace: WORLD.namespace,
  rules: ROLES[role],
}))

/** What Kubernetes lets everybody do whom it knows: look at what there is to ask for, and ask what they may. */
const DISCOVERY = /^\/(version|healthz|livez|readyz|api|apis|openapi)(\/|$)/
const REVIEWS: ClusterRule = {
  apiGroups: ['authorization.k8s.io'],
  resources: ['selfsubjectaccessreviews'],
  verbs: ['create'],
}

/** Whether somebody may, by the cloud's policies or by the cluster's own roles. Nothing takes away what another gives. */
export function mayDo({ groups, policies = [] }: KubernetesUser, asked: Attributes): boolean {
  if (asked.resource === undefined)
    return (asked.verb === 'get' && DISCOVERY.test(asked.path)) || policies.some(isOfAllPaths)
  return (
    permits(REVIEWS, asked) ||
    policies.some(
      (each) => holdsIn(each, asked.namespace) && permitsAny(ACCESS_POLICIES[each.name], asked),
    ) ||
    BINDINGS.some(
      ({ group, namespace, rules }) =>
        groups.includes(group) && asked.namespace === namespace && permitsAny(rules, asked),
    )
  )
}

function isOfAllPaths({ name, namespaces }: ScopedPolicy): boolean {
  return name === 'AmazonEKSClusterAdminPolicy' && namespaces === 'all'
}

function holdsIn({ namespaces }: ScopedPolicy, namespace: string | undefined): boolean {
  if (namespaces === 'all') return true
  return namespace !== undefined && namespaces.some((each) => fits(each, namespace))
}

function fits(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w-]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(name)
}

function permitsAny(rules: readonly ClusterRule[], asked: Attributes): boolean {
  return rules.some((rule) => permits(rule, asked))
}

function permits({ apiGroups, resources, verbs }: ClusterRule, asked: Attributes): boolean {
  const { group, resource = '', subresource, verb } = asked
  const whole = subresource === undefined ? resource : `${resource}/${subresource}`
  return has(apiGroups, group) && has(resources, whole) && has(verbs, verb)
}

function has(names: readonly string[], name: string): boolean {
  return names.includes(name) || names.includes('*')
}
