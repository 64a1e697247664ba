import { randomBytes, randomInt } from 'node:crypto'
import { WORLD } from '#sandbox/world.ts'

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

/** A fresh key, in the form of long-lived ones. */
export function makeAccessKey(): AccessKey {
  return {
    accessKeyId: `AKIA${randomText(ID_LETTERS, 16)}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  }
}

/** Who `principal` is, for an operator in `account` (a bastion never leaves the world's own). */
export function identityOf(principal: Principal, account: string): Identity {
  if (principal.kind === 'instance') {
    const { role } = WORLD.bastion
    return {
      account: WORLD.account,
      arn: `arn:aws:sts::${WORLD.account}:assumed-role/${role}/${principal.instanceId}`,
      userId: `AROA7SANDBOXBASTION23:${principal.instanceId}`,
      sessionName: principal.instanceId,
    }
  }
  return {
    account,
    arn: `arn:aws:iam::${account}:user/${OPERATOR}`,
    userId: 'AIDA7SANDBOXOPERATOR2',
    sessionName: OPERATOR,
  }
}

/** `length` characters, each drawn from `letters`. */
export function randomText(letters: string, length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
}
