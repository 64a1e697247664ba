import type { Ms } from '#core/clock.ts'
import type { GivenParameter } from './parameters.ts'
import type { Change } from './plan.ts'

/** A stack, as the cloud tells of it. */
export interface StackState {
  /** The provider's own word: `CREATE_COMPLETE`, `UPDATE_IN_PROGRESS`… */
  readonly status: string
  readonly reason: string | undefined
  readonly parameters: ReadonlyMap<string, string>
  readonly outputs: ReadonlyMap<string, string>
}

/** Something that happened to a part of a stack. */
export interface StackEvent {
  readonly id: string
  readonly at: Ms
  /** Its name in the template; of the stack itself its own name. */
  readonly resource: string
  readonly type: string
  readonly status: string
  readonly reason: string | undefined
}

/** A set of changes: what would be done, decided by the cloud. */
export interface ChangeSet {
  readonly status: 'making' | 'ready' | 'empty' | 'failed'
  readonly reason: string | undefined
  readonly changes: readonly Change[]
}

export interface ChangeSetInput {
  readonly stack: string
  readonly name: string
  readonly kind: 'create' | 'update'
  readonly template: string
  readonly parameters: readonly GivenParameter[]
  readonly description: string
}

/** What deploying needs of a cloud. Everything throws a `PgctlError`. */
export interface StackApi {
  /** Undefined where there is none, or one that was begun and never made. */
  stack(name: string, signal?: AbortSignal): Promise<StackState | undefined>
  propose(input: ChangeSetInput, signal?: AbortSignal): Promise<void>
  changeSet(stack: string, name: string, signal?: AbortSignal): Promise<ChangeSet>
  /** Takes a proposal back; with `whole` the stack that was begun for it, too. */
  withdraw(stack: string, name: string, whole: boolean): Promise<void>
  execute(stack: string, name: string, signal?: AbortSignal): Promise<void>
  /** Deletes it with all that its template does not keep; nothing happens where there is none. */
  remove(stack: string, signal?: AbortSignal): Promise<void>
  /** Events since (and without) the one with this id, the oldest first. */
  events(stack: string, since: string | undefined, signal?: AbortSignal): Promise<StackEvent[]>
}

/** Where code, templates and the history of a stack lie; nothing in it is overwritten. */
export interface StackBucket {
  has(key: string, signal?: AbortSignal): Promise<boolean>
  put(key: string, content: Uint8Array | string, signal?: AbortSignal): Promise<void>
  read(key: string, signal?: AbortSignal): Promise<string>
  list(prefix: string, signal?: AbortSignal): Promise<string[]>
}
