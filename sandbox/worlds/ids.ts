import { hash } from 'node:crypto'

/** An id as EC2 gives them, `PREFIX-` and 17 hex digits: the same for the same name, from start to start. */
export function idOf(prefix: string, name: string): string {
  return `${prefix}-0${digits(name, 16)}`
}

/** `length` hex digits that are the same for the same name. */
export function digits(name: string, length: number): string {
  return hash('sha256', name).slice(0, length)
}

/** The secret in which RDS keeps the password of a database that it changes by itself. */
export function passwordSecretOf(world: { readonly region: string; readonly account: string }, id: string) {
  const name = uuidLike(id)
  return `arn:aws:secretsmanager:${world.region}:${world.account}:secret:rds!db-${name}-${digits(`${id} secret`, 6)}`
}

function uuidLike(name: string): string {
  return digits(name, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The suffix that RDS and ElastiCache give the host names of one account and region. */
export function dnsSuffix(name: string): string {
  return BigInt(`0x${digits(name, 20)}`)
    .toString(36)
    .slice(0, 12)
}
