import type { Ms } from '#core/clock.ts'
import { groupOf } from '#core/kube/role-manifests.ts'
import type { Knobs } from '#sandbox/knobs.ts'
import { ACCESS_POLICIES, type AccessPolicyName } from '#sandbox/kubernetes/access-policies.ts'
import type { KubernetesUser } from '#sandbox/kubernetes/authorizer.ts'
import { WORLD } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { type Identity, operatorArn } from './identity.ts'

/** One of the service's policies for a principal, as the wire has it. Times are seconds. */
export interface Association {
  readonly policyArn: string
  readonly accessScope: { readonly type: 'cluster' | 'namespace'; readonly namespaces: readonly string[] }
  readonly associatedAt: number
  readonly modifiedAt: number
}

/** Who may come into a cluster, as whom, and with what. */
export interface AccessEntry {
  readonly principal: string
  readonly groups: readonly string[]
  readonly policies: readonly Association[]
  readonly createdAt: number
}

const POLICY_PREFIX = 'arn:aws:eks::aws:cluster-access-policy/'

/** The access policy that an ARN names; undefined for one that there is not. */
export function policyNamed(arn: string): AccessPolicyName | undefined {
  const name = arn.startsWith(POLICY_PREFIX) ? arn.slice(POLICY_PREFIX.length) : ''
  return Object.hasOwn(ACCESS_POLICIES, name) ? (name as AccessPolicyName) : undefined
}

/** The access entries of one cluster. Whoever has none is nobody to it: not even the machine of the bastion. */
export class AccessEntries {
  readonly #operator: string
  readonly #entries = new Map<string, AccessEntry>()

  /** Its operator has the role that changes the product, as the one who runs all commands needs. */
  constructor(world: World, now: Ms) {
    this.#operator = world.role?.arn ?? operatorArn(world.account)
    this.giveOperator('operate', now)
  }

  of(principal: string): AccessEntry | undefined {
    return this.#entries.get(principal)
  }

  put(entry: AccessEntry): void {
    this.#entries.set(entry.principal, entry)
  }

  delete(principal: string): void {
    this.#entries.delete(principal)
  }

  /** Makes the operator's entry anew, with this and no more. `now` is wall time. */
  giveOperator(access: Knobs['access'], now: Ms): void {
    const entry = { principal: this.#operator, groups: [], policies: [], createdAt: now / 1000 }
    if (access === 'none') this.delete(this.#operator)
    else this.put({ ...entry, ...GIVEN[access](now) })
  }

  /** As whom the cluster knows somebody; undefined where it does not. */
  userOf(principal: string, { arn }: Identity): KubernetesUser | undefined {
    const entry = this.of(principal)
    return (
      entry && { user: userNameOf(arn), groups: entry.groups, policies: entry.policies.flatMap(scopedOf) }
    )
  }
}

/** For a role it ends with the name of the session, in which the service writes `@` as a dash. */
function userNameOf(arn: string): string {
  return arn.includes(':assumed-role/') ? arn.replaceAll('@', '-') : arn
}

type Given = Pick<AccessEntry, 'groups' | 'policies'>

const GIVEN: Readonly<Record<Exclude<Knobs['access'], 'none'>, (now: Ms) => Given>> = {
  operate: () => ({ groups: [groupOf('operate')], policies: [] }),
  // As the template of a bastion has it for whom it calls `OperatorRole`.
  view: (now) => ({
    groups: [groupOf('view')],
    policies: [association('AmazonEKSViewPolicy', [WORLD.namespace], now)],
  }),
  admin: (now) => ({ groups: [], policies: [association('AmazonEKSClusterAdminPolicy', [], now)] }),
}

/** In these namespaces, or in the whole cluster where none are named. */
function association(name: AccessPolicyName, namespaces: readonly string[], now: Ms): Association {
  const type = namespaces.length === 0 ? 'cluster' : 'namespace'
  const at = now / 1000
  return {
    policyArn: `${POLICY_PREFIX}${name}`,
    accessScope: { type, namespaces },
    ...{ associatedAt: at, modifiedAt: at },
  }
}

function scopedOf({ policyArn, accessScope: { type, namespaces } }: Association) {
  const name = policyNamed(policyArn)
  return name === undefined ? [] : [{ name, namespaces: type === 'cluster' ? ('all' as const) : namespaces }]
}
