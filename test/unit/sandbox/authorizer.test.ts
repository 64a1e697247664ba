import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterRight, lentRoleGiving, ROLES } from '#core/kube/rights.ts'
import { type KubernetesUser, mayDo } from '#sandbox/kubernetes/authorizer.ts'
import { attributesOf } from '#sandbox/kubernetes/request-info.ts'

/** Who may do what in the sandbox's cluster, by the rows of EKS' user guide and by the roles that pgctl prints. */

type PolicyName = NonNullable<KubernetesUser['policies']>[number]['name']

const NOBODY: KubernetesUser = { user: 'ada', groups: [] }
const having = (name: PolicyName, namespaces: readonly string[] | 'all' = ['paragon']): KubernetesUser => ({
  ...NOBODY,
  policies: [{ name, namespaces }],
})
const inGroup = (group: string): KubernetesUser => ({ ...NOBODY, groups: [group] })
const may = (who: KubernetesUser, method: string, path: string) =>
  mayDo(who, attributesOf(method, new URL(path, 'https://cluster')))

const IN = '/api/v1/namespaces/paragon'
const ROLES_PATH = '/apis/rbac.authorization.k8s.io/v1/namespaces/paragon/roles'

describe('who may do what in the cluster', () => {
  const rows: ReadonlyArray<[who: KubernetesUser, method: string, path: string, may: boolean, why: string]> =
    [
      [NOBODY, 'GET', '/version', true, 'whoever is known may see what there is to ask for'],
      [NOBODY, 'GET', '/apis/discovery.k8s.io/v1', true, 'and which resources'],
      [NOBODY, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', true, 'and what they may'],
      [NOBODY, 'GET', '/metrics', false, 'figures are of the cluster'],
      [NOBODY, 'GET', `${IN}/pods`, false, 'and nothing else without being given it'],
      [inGroup('system:masters'), 'GET', `${IN}/pods`, false, 'no entry can give this group'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/pods`, true, 'view lists'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/pods?watch=1`, true, 'and watches'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/pods/hermes-1/log`, true, 'and reads logs'],
      [having('AmazonEKSViewPolicy'), 'GET', IN, true, 'the namespace itself'],
      [having('AmazonEKSViewPolicy'), 'GET', '/api/v1/namespaces', false, 'their list is of the cluster'],
      [having('AmazonEKSViewPolicy', 'all'), 'GET', '/api/v1/namespaces', true, 'of all'],
      [
        having('AmazonEKSViewPolicy'),
        'GET',
        '/api/v1/namespaces/kube-system/pods',
        false,
        'another namespace',
      ],
      [having('AmazonEKSViewPolicy', ['para*']), 'GET', `${IN}/pods`, true, 'by a pattern'],
      [having('AmazonEKSViewPolicy', ['para']), 'GET', `${IN}/pods`, false, 'a name is whole'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/secrets`, false, 'view has no Secrets'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/pods/hermes-1/portforward`, false, 'nor port-forward'],
      [having('AmazonEKSViewPolicy'), 'GET', `${IN}/pods/hermes-1/exec`, false, 'nor exec'],
      [having('AmazonEKSViewPolicy'), 'DELETE', `${IN}/pods/hermes-1`, false, 'and changes nothing'],
      [having('AmazonEKSViewPolicy', 'all'), 'GET', '/api/v1/nodes', false, 'nodes are not in it'],
      [having('AmazonEKSEditPolicy'), 'DELETE', `${IN}/pods/hermes-1`, true, 'edit deletes'],
      [having('AmazonEKSEditPolicy'), 'DELETE', `${IN}/pods`, true, 'all at once'],
      [having('AmazonEKSEditPolicy'), 'POST', `${IN}/pods/hermes-1/exec`, true, 'runs commands'],
      [having('AmazonEKSEditPolicy'), 'GET', `${IN}/secrets/paragon-secrets`, true, 'reads Secrets'],
      [having('AmazonEKSEditPolicy'), 'POST', ROLES_PATH, false, 'gives no rights away'],
      [having('AmazonEKSAdminPolicy'), 'POST', ROLES_PATH, true, 'as an admin of the namespace does'],
      [having('AmazonEKSAdminPolicy', 'all'), 'GET', '/api/v1/nodes', false, 'whose nodes are not theirs'],
      [having('AmazonEKSClusterAdminPolicy', 'all'), 'DELETE', '/api/v1/nodes/a', true, 'all is all'],
      [having('AmazonEKSClusterAdminPolicy', 'all'), 'GET', '/metrics', true, 'the cluster itself too'],
      [having('AmazonEKSClusterAdminPolicy'), 'GET', '/api/v1/nodes', false, 'in a namespace there are none'],
      [inGroup('pgctl:view'), 'GET', `${IN}/pods/hermes-1/portforward`, true, "pgctl's view has tunnels"],
      [inGroup('pgctl:view'), 'GET', `${IN}/secrets`, false, 'and no Secrets'],
      [inGroup('pgctl:operate'), 'GET', `${IN}/secrets`, true, 'operate has'],
      [inGroup('pgctl:operate'), 'GET', '/api/v1/namespaces/default/pods', false, 'where it was bound'],
    ]
  for (const [who, method, path, want, why] of rows) {
    const [given = 'nothing'] = [...who.groups, ...(who.policies ?? []).map(({ name }) => name)]
    it(`${given}: ${method} ${path} is ${want ? 'allowed' : 'forbidden'}: ${why}`, () => {
      assert.equal(may(who, method, path), want)
    })
  }

  it('of the roles that are lent, the one that a refusal names has the right, and no smaller one has', () => {
    const lent = ['edit', 'admin', 'cluster-admin'] as const
    const policies = {
      edit: having('AmazonEKSEditPolicy'),
      admin: having('AmazonEKSAdminPolicy'),
      'cluster-admin': having('AmazonEKSClusterAdminPolicy', 'all'),
    } as const
    const rights = ROLES.operate.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb): ClusterRight => ({ group, resource, verb }))),
      ),
    )
    assert.ok(rights.length > 100)
    for (const right of rights) {
      const [resource = '', subresource] = right.resource.split('/')
      const asked = { path: '', version: 'v1', namespace: 'paragon', verb: right.verb, group: right.group }
      const whole = { ...asked, resource, ...(subresource !== undefined && { subresource }) }
      const having = lent.filter((role) => mayDo(policies[role], whole))
      assert.equal(having[0], lentRoleGiving(right), `${right.verb} ${right.resource}`)
    }
  })
})
