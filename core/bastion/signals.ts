import type { Activity } from './activity.ts'
import type { BastionGroup, BastionImage, SessionRecord } from './control.ts'

/** What a look found, or why it could not: what is not known counts as use, and never as its absence. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string }

/** All that a decision about a bastion rests on. */
export interface Signals {
  /** Undefined where there is no such group. */
  readonly group: BastionGroup | undefined
  /** Those on all machines of the group. */
  readonly sessions: Known<readonly SessionRecord[]>
  /** What the machine itself said last; too old a word is not known. */
  readonly activity: Known<Activity>
  /** Of the next machine. */
  readonly image: Known<BastionImage | undefined>
}
