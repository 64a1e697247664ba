import type { Instant, Ms } from '#core/clock.ts'
import { type ConnectionId, HELD_FIN_QUIET } from '#core/ssm/machine.ts'

/**
 * Half-closes that are held back, as the agent would cut off the rest of an answer on hearing of one, each with the
 * moment since which its far side was silent. A Map keeps them in the order of that moment: the first is the next.
 */
export class HeldEnds {
  #quietSince = new Map<ConnectionId, Ms>()

  hold(connection: ConnectionId, now: Instant): void {
    this.#quietSince.delete(connection)
    this.#quietSince.set(connection, now.mono)
  }

  /** The far side of a connection said something. */
  heard(connection: ConnectionId, now: Instant): void {
    if (this.#quietSince.has(connection)) this.hold(connection, now)
  }

  release(connection: ConnectionId): void {
    this.#quietSince.delete(connection)
  }

  /** The far sides could not be heard for a while: their silence begins now. */
  restart(now: Instant): void {
    for (const connection of this.#quietSince.keys()) this.#quietSince.set(connection, now.mono)
  }

  deadline(): Ms | undefined {
    const first = this.#quietSince.values().next()
    return first.done ? undefined : first.value + HELD_FIN_QUIET
  }

  /** Takes one connection whose far side was silent for long enough. */
  takeDue(now: Instant): ConnectionId | undefined {
    const first = this.#quietSince.entries().next()
    if (first.done || now.mono < first.value[1] + HELD_FIN_QUIET) return undefined
    this.#quietSince.delete(first.value[0])
    return first.value[0]
  }
}
