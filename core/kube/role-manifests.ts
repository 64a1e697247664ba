import { ROLE_NAMES, ROLES, type RoleName } from '#core/kube/rights.ts'

/** The group that a role is bound to, which an access entry of the cluster gives to an identity of the cloud. */
export function groupOf(role: RoleName): string {
  return `pgctl:${role}`
}

/** The role, and its binding to its group in `namespace`: objects as the API takes them. */
export function roleManifests(role: RoleName, namespace: string): readonly object[] {
  const name = groupOf(role)
  const group = 'rbac.authorization.k8s.io'
  return [
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'pgctl' } },
      rules: ROLES[role],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'RoleBinding',
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'pgctl' } },
      subjects: [{ apiGroup: group, kind: 'Group', name }],
      roleRef: { apiGroup: group, kind: 'ClusterRole', name },
    },
  ]
}

/** Of all roles, or of those named. */
export function manifestsOf(roles: readonly RoleName[] = ROLE_NAMES, namespace: string): readonly object[] {
  return roles.flatMap((role) => roleManifests(role, namespace))
}
