import { AwsError } from '../aws-error.ts'
import type { Route } from '../dialects/rest-json.ts'
import type { Call, Input, Operation } from '../service.ts'

const POLICIES = '/clusters/{clusterName}/access-entries/{principalArn}/access-policies'

export const ACCESS_ROUTES: readonly Route[] = [
  { method: 'POST', path: POLICIES, operation: 'AssociateAccessPolicy' },
  { method: 'GET', path: POLICIES, operation: 'ListAssociatedAccessPolicies' },
  { method: 'DELETE', path: `${POLICIES}/{policyArn}`, operation: 'DisassociateAccessPolicy' },
]

interface Association {
  readonly policyArn: string
  readonly accessScope: { readonly type: 'cluster' | 'namespace'; readonly namespaces?: readonly string[] }
  readonly associatedAt: number
  readonly modifiedAt: number
}

const POLICY = /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(View|Edit|Admin|ClusterAdmin)Policy$/
/** Who may come in: a role or a user; what a session of a role calls itself is none. */
const PRINCIPAL = /^arn:aws:iam::\d{12}:(role|user)\/.+$/

/** Who has which of the service's policies in a cluster. Every role and user of the account has an entry. */
export function accessOperations(
  checkCluster: (name: string, call: Call) => unknown,
): Readonly<Record<string, Operation>> {
  const entries = new Map<string, Association[]>()
  const open = (input: Input, call: Call) => {
    const cluster = String(input['clusterName'])
    const principal = String(input['principalArn'])
    checkCluster(cluster, call)
    if (!PRINCIPAL.test(principal) || principal.split(':')[4] !== call.caller.account)
      throw new AwsError(
        'ResourceNotFoundException',
        `The specified principalArn could not be found. You can view your available access entries with 'aws eks list-access-entries'.`,
        404,
      )
    const key = `${cluster} ${principal}`
    return { cluster, principal, key, associated: entries.get(key) ?? [] }
  }
  const resources = (input: Input, { region, caller }: Call) => [
    `arn:aws:eks:${region}:${caller.account}:access-entry/${String(input['clusterName'])}/*`,
  ]
  return {
    AssociateAccessPolicy: {
      resources,
      run(input, call) {
        const { cluster, principal, key, associated } = open(input, call)
        const policyArn = String(input['policyArn'] ?? '')
        if (!POLICY.test(policyArn))
          throw invalid(`The policyArn parameter format is not valid: ${policyArn}`)
        const before = associated.find((each) => each.policyArn === policyArn)
        const now = call.now.wall / 1000
        const made: Association = {
          policyArn,
          accessScope: scopeIn(input),
          associatedAt: before?.associatedAt ?? now,
          modifiedAt: now,
        }
        entries.set(key, [...associated.filter((each) => each !== before), made])
        return { clusterName: cluster, principalArn: principal, associatedAccessPolicy: made }
      },
    },
    DisassociateAccessPolicy: {
      resources,
      run(input, call) {
        const { key, associated } = open(input, call)
        const policyArn = String(input['policyArn'])
        if (!associated.some((each) => each.policyArn === policyArn))
          throw new AwsError(
            'ResourceNotFoundException',
            'The specified access policy is not associated with the access entry.',
            404,
          )
        entries.set(
          key,
          associated.filter((each) => each.policyArn !== policyArn),
        )
        return {}
      },
    },
    ListAssociatedAccessPolicies: {
      resources,
      run(input, call) {
        const { cluster, principal, associated } = open(input, call)
        return { clusterName: cluster, principalArn: principal, associatedAccessPolicies: associated }
      },
    },
  }
}

function scopeIn(input: Input): Association['accessScope'] {
  const scope = Object(input['accessScope']) as { type?: unknown; namespaces?: unknown }
  if (scope.type === 'cluster') return { type: 'cluster', namespaces: [] }
  if (scope.type === 'namespace' && Array.isArray(scope.namespaces) && scope.namespaces.length > 0)
    return { type: 'namespace', namespaces: scope.namespaces.map(String) }
  throw invalid('The accessScope parameter is not valid.')
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message)
}
