import type { World } from '#sandbox/worlds/installation.ts'
import { securityGroups } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { listIn } from '../query-input.ts'
import type { Call, Input } from '../service.ts'
import { optional } from './snapshot-input.ts'

/** What requests that make datastores say of the network, checked against what the account has. */

/** The security groups of a request; the VPC's default one where it names none. @throws AwsError */
export function securityGroupsIn(input: Input, prefix: string, call: Call): string[] {
  const known = call.world === undefined ? [] : securityGroups(call.world)
  const wanted = listIn(input, prefix)
  for (const id of wanted)
    if (!known.some((group) => group.id === id))
      throw new AwsError('InvalidParameterValue', `Invalid security group , groupId= ${id}, groupName=.`)
  return wanted.length > 0 ? wanted : known.filter(({ name }) => name === 'default').map(({ id }) => id)
}

/** A group by name that the installation has, or one of the service's own defaults. @throws AwsError */
export function groupIn(
  input: Input,
  parameter: string,
  call: Call,
  names: {
    readonly own: (world: World) => readonly string[]
    readonly fallback: string
    readonly missing: string
  },
): string {
  const wanted = optional(input, parameter)
  if (wanted === undefined) return names.fallback
  const known = call.world === undefined ? [] : names.own(call.world)
  if (known.includes(wanted) || wanted.startsWith('default')) return wanted
  throw new AwsError(names.missing, `${parameter.replace(/Name$/, '')} not found: ${wanted}`, 404)
}

export function flagIn(input: Input, name: string): boolean {
  return input[name] === 'true'
}

export function numberIn(input: Input, name: string): number | undefined {
  const text = optional(input, name)
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new AwsError('InvalidParameterValue', `Invalid value for ${name}: ${text}`)
}

/** @throws AwsError unless it is the name of a size, which begins with `prefix`. */
export function sizeIn(input: Input, name: string, prefix: string, fallback: string): string {
  const size = optional(input, name) ?? fallback
  if (size.startsWith(prefix)) return size
  throw new AwsError('InvalidParameterValue', `Invalid value for ${name}: ${size}`)
}
