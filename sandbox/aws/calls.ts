import type { Ms } from '#core/clock.ts'

/** One call that reached the endpoint or the gateway. */
export interface RecordedCall {
  /** Counts up from 1 for as long as the sandbox runs. */
  readonly number: number
  /** Wall time, milliseconds since the epoch. */
  readonly at: Ms
  readonly service: string
  readonly action: string
  /** What a policy calls it: `s3:ListAllMyBuckets`; undefined where no policy is asked. */
  readonly permission: string | undefined
  /** Further actions that a policy had to allow for it. */
  readonly dependents: readonly string[]
  /** What it was about, as its ARN or id; `*` where the action has none. */
  readonly resource: string
  /** All that a policy would have to allow it on; none where that is `*`. */
  readonly resources: readonly string[]
  /** The ARN of who called, or undefined for a caller that could not be told. */
  readonly caller: string | undefined
  /** `ok`, or the code of the error that it was answered with. */
  readonly outcome: string
}

/** The most that is kept: a benchmark of a whole evening must not fill the memory. */
const KEPT = 10_000

/** Every call in order, so that a test can say what was called and a benchmark can count round trips. */
export class CallRecord {
  #calls: RecordedCall[] = []
  #count = 0

  add(call: Omit<RecordedCall, 'number'>): void {
    this.#calls.push({ ...call, number: ++this.#count })
    if (this.#calls.length > 2 * KEPT) this.#calls = this.#calls.slice(-KEPT)
  }

  /** The calls after number `after`, the oldest first. */
  since(after = 0): readonly RecordedCall[] {
    return this.#calls.filter((call) => call.number > after)
  }

  /** The number of the last call: where a later `since` starts. */
  get last(): number {
    return this.#count
  }
}
