import { randomUUID } from 'node:crypto'
import { type AccessEntries, type AccessEntry, type Association, policyNamed } from '../access-entries.ts'
import { AwsError } from '../aws-error.ts'
import type { Route } from '../dialects/rest-json.ts'
import type { Call, Input, Operation } from '../service.ts'

const ENTRIES = '/clusters/{clusterName}/access-entries'
const POLICIES = `${ENTRIES}/{principalArn}/access-policies`

export const ACCESS_ROUTES: readonly Route[] = [
  { method: 'POST', path: ENTRIES, operation: 'CreateAccessEntry' },
  { method: 'DELETE', path: `${ENTRIES}/{principalArn}`, operation: 'DeleteAccessEntry' },
  { method: 'POST', path: POLICIES, operation: 'AssociateAccessPolicy' },
  { method: 'GET', path: POLICIES, operation: 'ListAssociatedAccessPolicies' },
  { method: 'DELETE', path: `${POLICIES}/{policyArn}`, operation: 'DisassociateAccessPolicy' },
]

/** Who may come in: a role or a user; what a session of a role calls itself is none. */
const PRINCIPAL = /^arn:aws:iam::\d{12}:(role|user)\/.+$/
/** Groups that Kubernetes and the service keep for themselves. */
const RESERVED = /^(system|eks|aws|amazon|iam):/

/** Who may come into a cluster, and with which of the service's policies. */
export function accessOperations(
  entriesOf: (cluster: string, call: Call) => AccessEntries,
): Readonly<Record<string, Operation>> {
  const open = (input: Input, call: Call) => {
    const entries = entriesOf(String(input['clusterName']), call)
    const entry = entries.of(String(input['principalArn']))
    if (entry === undefined)
      throw new AwsError(
        'ResourceNotFoundException',
        `The specified principalArn could not be found. You can view your available access entries with 'aws eks list-access-entries'.`,
        404,
      )
    return { entries, entry }
  }
  const resources = (input: Input, { region, caller }: Call) => [
    `arn:aws:eks:${region}:${caller.account}:access-entry/${String(input['clusterName'])}/*`,
  ]
  return {
    CreateAccessEntry: {
      resources: (input, { region, caller }) => [
        `arn:aws:eks:${region}:${caller.account}:cluster/${String(input['clusterName'])}`,
      ],
      run(input, call) {
        const entries = entriesOf(String(input['clusterName']), call)
        const entry = newEntry(input, call)
        if (entries.of(entry.principal) !== undefined)
          throw new AwsError(
            'ResourceInUseException',
            'The specified access entry resource is already in use on this cluster.',
            409,
          )
        entries.put(entry)
        return { accessEntry: describe(entry, input, call) }
      },
    },
    DeleteAccessEntry: {
      resources,
      run(input, call) {
        const { entries, entry } = open(input, call)
        entries.delete(entry.principal)
        return {}
      },
    },
    AssociateAccessPolicy: {
      resources,
      run(input, call) {
        const { entries, entry } = open(input, call)
        const policyArn = String(input['policyArn'] ?? '')
        if (policyNamed(policyArn) === undefined)
          throw invalid(`The policyArn parameter format is not valid: ${policyArn}`)
        const before = entry.policies.find((each) => each.policyArn === policyArn)
        const now = call.now.wall / 1000
        const made: Association = {
          policyArn,
          accessScope: scopeIn(input),
          associatedAt: before?.associatedAt ?? now,
          modifiedAt: now,
        }
        entries.put({ ...entry, policies: [...entry.policies.filter((each) => each !== before), made] })
        return {
          clusterName: input['clusterName'],
          principalArn: entry.principal,
          associatedAccessPolicy: made,
        }
      },
    },
    DisassociateAccessPolicy: {
      resources,
      run(input, call) {
        const { entries, entry } = open(input, call)
        const policyArn = String(input['policyArn'])
        const policies = entry.policies.filter((each) => each.policyArn !== policyArn)
        if (policies.length === entry.policies.length)
          throw new AwsError(
            'ResourceNotFoundException',
            'The specified access policy is not associated with the access entry.',
            404,
          )
        entries.put({ ...entry, policies })
        return {}
      },
    },
    ListAssociatedAccessPolicies: {
      resources,
      run(input, call) {
        const { principal, policies } = open(input, call).entry
        return {
          clusterName: input['clusterName'],
          principalArn: principal,
          associatedAccessPolicies: policies,
        }
      },
    },
  }
}

function newEntry(input: Input, { now }: Call): AccessEntry {
  const { principalArn, kubernetesGroups = [], type = 'STANDARD' } = input
  if (!PRINCIPAL.test(String(principalArn)))
    throw invalid('The specified principalArn is invalid: invalid principal.')
  if (type !== 'STANDARD')
    throw invalid(`The sandbox makes access entries of the type STANDARD, and no ${type}.`)
  if (!Array.isArray(kubernetesGroups)) throw invalid('The kubernetesGroups parameter is not valid.')
  const groups = kubernetesGroups.map(String)
  for (const group of groups)
    if (RESERVED.test(group))
      throw invalid(
        `The kubernetes group name ${group} is invalid, it cannot start with ${group.split(':')[0]}:`,
      )
  return { principal: String(principalArn), groups, policies: [], createdAt: now.wall / 1000 }
}

function describe({ principal, groups, createdAt }: AccessEntry, input: Input, call: Call): object {
  const [, , , , account, resource = ''] = principal.split(':')
  const name = resource.split('/').at(-1)
  const isRole = resource.startsWith('role/')
  return {
    clusterName: input['clusterName'],
    principalArn: principal,
    kubernetesGroups: groups,
    accessEntryArn: `arn:aws:eks:${call.region}:${call.caller.account}:access-entry/${String(input['clusterName'])}/${isRole ? 'role' : 'user'}/${account}/${name}/${randomUUID()}`,
    createdAt,
    modifiedAt: createdAt,
    tags: {},
    username: isRole ? `arn:aws:sts::${account}:assumed-role/${name}/{{SessionName}}` : principal,
    type: 'STANDARD',
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
