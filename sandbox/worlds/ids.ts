import { hash } from 'node:crypto'

/** An id as EC2 gives them, `PREFIX-` and 17 hex digits: the same for the same name, from start to start. */
export function idOf(prefix: string, name: string): string {
  return `${prefix}-0${digits(name, 16)}`
}

/** `length` hex digits that are the same for the same name. */
export function digits(name: string, length: number): string {
  return hash('sha256', name).slice(0, length)
}

/** The suffix that RDS and ElastiCache give the host names of one account and region. */
export function dnsSuffix(name: string): string {
  return BigInt(`0x${digits(name, 20)}`)
    .toString(36)
    .slice(0, 12)
}
