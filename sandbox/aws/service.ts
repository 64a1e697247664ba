import type { Instant } from '#core/clock.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import type { Dialect } from './dialects/dialect.ts'
import type { Identity, Principal } from './identity.ts'
import type { Paging } from './pages.ts'

export type Input = Readonly<Record<string, unknown>>

/** Who calls, from where and when. */
export interface Call {
  readonly principal: Principal
  readonly caller: Identity
  readonly now: Instant
  /** The region that the signature is for. */
  readonly region: string
  /** What the caller's account has in that region; undefined where that is nothing. */
  readonly world: World | undefined
  /** What the knobs make of this operation's pages. */
  readonly paging: Paging
  /** The endpoint as the caller reached it: `https` or `http`, and its Host header. */
  readonly origin: { readonly secure: boolean; readonly host: string }
}

/** One operation of a service. Both functions throw an `AwsError` for input that the service would refuse. */
export interface Operation {
  /** What a policy calls it, where that is not the operation's own name. */
  readonly action?: string
  /** Asked by agents alone, of their own machine: no policy of somebody who works here is about it. */
  readonly ofAgents?: true
  /** The resources that a policy would have to allow it on. */
  resources(input: Input, call: Call): readonly string[]
  /** Actions that a policy must allow on the same resources as well: whoever makes something with tags tags it. */
  dependents?(input: Input): readonly string[]
  /** What else conditions of a policy may look at: `kms:RequestAlias`. */
  context?(input: Input): Readonly<Record<string, string>>
  run(input: Input, call: Call): object
}

export interface AwsService {
  /** The name in the scope of signatures, and before the colon of IAM actions. */
  readonly name: string
  readonly dialect: Dialect
  readonly operations: Readonly<Record<string, Operation>>
  /** Operations that nothing can forbid. */
  readonly alwaysAllowed?: readonly string[]
}

/** The text of `input[name]`, or undefined where it is absent; anything but text is refused by `refuse`. */
export function textIn(input: Input, name: string, refuse: (why: string) => Error): string | undefined {
  const value = input[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw refuse(`${name} must be a string`)
  return value
}

/** The same service with more operations. */
export function withOperations(service: AwsService, more: AwsService['operations']): AwsService {
  return { ...service, operations: { ...service.operations, ...more } }
}
