import { randomBytes, randomInt } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { WORLD, worldOfBastion } from '#sandbox/world.ts'

/** A key pair of this sandbox. The secret half stands only in its 0600 state and in the environment it prints. */
export interface AccessKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Who a key belongs to. */
export type Principal =
  | { readonly kind: 'operator'; readonly key: AccessKey }
  /** A bastion's own role, as its agent uses it. */
  | { readonly kind: 'instance'; readonly key: AccessKey; readonly instanceId: string }
  /** A role that an operator has assumed, good until `expires` (wall time) and only with its token. */
  | {
      readonly kind: 'session'
      readonly key: AccessKey
      readonly token: string
      readonly expires: Ms
      readonly roleArn: string
      readonly sessionName: string
    }

/** An identity as IAM and STS show it. */
export interface Identity {
  readonly account: string
  readonly arn: string
  readonly userId: string
  /** The name that session ids begin with. */
  readonly sessionName: string
}

const OPERATOR = 'operator'
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A fresh key, in the form of long-lived ones; `ASIA` begins those of a session. */
export function makeAccessKey(prefix: 'AKIA' | 'ASIA' = 'AKIA'): AccessKey {
  return {
    accessKeyId: `${prefix}${randomText(ID_LETTERS, 16)}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  }
}

/** Who `principal` is, for an operator in `account` (a bastion never leaves its installation's own). */
export function identityOf(principal: Principal, account: string): Identity {
  switch (principal.kind) {
    case 'instance': {
      const world = worldOfBastion(principal.instanceId) ?? WORLD
      return assumed(world.account, world.bastion.role, principal.instanceId, 'AROA7SANDBOXBASTION23')
    }
    case 'session': {
      const [, , , , owner = '', resource = ''] = principal.roleArn.split(':')
      return assumed(owner, resource.replace(/^role\//, ''), principal.sessionName, 'AROA7SANDBOXOPERATOR2')
    }
    case 'operator':
      return {
        account,
        arn: operatorArn(account),
        userId: 'AIDA7SANDBOXOPERATOR2',
        sessionName: OPERATOR,
      }
  }
}

/** The operator's user, where no role is assumed. */
export function operatorArn(account: string): string {
  return `arn:aws:iam::${account}:user/${OPERATOR}`
}

/** The user or the role behind an identity: what an access entry of a cluster is for. */
export function principalArnOf(principal: Principal, { account, arn }: Identity): string {
  switch (principal.kind) {
    case 'operator':
      return arn
    case 'session':
      return principal.roleArn
    case 'instance':
      return `arn:aws:iam::${account}:role/${(worldOfBastion(principal.instanceId) ?? WORLD).bastion.role}`
  }
}

/** `length` characters, each drawn from `letters`. */
export function randomText(letters: string, length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
}

function assumed(account: string, role: string, sessionName: string, roleId: string): Identity {
  return {
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${sessionName}`,
    userId: `${roleId}:${sessionName}`,
    sessionName,
  }
}
