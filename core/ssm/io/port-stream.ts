import { Duplex } from 'node:stream'
import { PgctlError } from '#core/errors.ts'
import type { ConnectionEnd, ConnectionId, PortInput } from '#core/ssm/machine.ts'
import { WaitingBytes } from '#core/ssm/waiting-bytes.ts'

/**
 * One connection of a port session as a Node stream.
 *
 * Bytes count as held by the session until somebody reads them here: that is how a slow reader is seen, and slows
 * nobody else. `end()` is the session's half-close, which the agent may get late (see the protocol's notes on FIN).
 */
export class PortStream extends Duplex {
  readonly #id: ConnectionId
  readonly #feed: (input: PortInput) => void
  /** What has arrived and is not read yet. */
  readonly #arrived = new WaitingBytes()
  #wanted = false
  #farEnded = false
  #full = false
  #waiting: (() => void) | undefined

  constructor(id: ConnectionId, feed: (input: PortInput) => void) {
    super({ allowHalfOpen: true, readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 })
    this.#id = id
    this.#feed = feed
    // The agent closes its connection in both directions: once its last byte is read, nothing is left to write to.
    this.once('end', () => this.destroy())
    feed({ type: 'open', connection: id })
  }

  // ── what the session says ─────────────────────────────────────────────────────────────────────────────────────

  arrive(bytes: Uint8Array): void {
    // Somebody who wants more has taken all that came before.
    if (this.#wanted) this.#hand(bytes)
    else this.#arrived.push(bytes)
  }

  setFull(full: boolean): void {
    this.#full = full
    if (full) return
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  farEnd(end: ConnectionEnd): void {
    this.#farEnded = true
    this.setFull(false)
    if (end.cause === 'session' && end.error !== undefined) this.destroy(end.error)
    else if (end.cause === 'refused')
      this.destroy(
        new PgctlError('far-end-refused', 'the bastion could not connect to the far end', {
          why: 'the agent does not say why: nothing listens there, the name is unknown there, or a security group drops it',
          next: 'check host and port, and that the bastion may reach them',
        }),
      )
    else if (this.#wanted) this.#deliver()
  }

  // ── what the reader and the writer want ───────────────────────────────────────────────────────────────────────

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  #deliver(): void {
    while (this.#wanted) {
      const bytes = this.#arrived.take()
      if (bytes === undefined) break
      this.#hand(bytes)
    }
    if (this.#wanted && this.#farEnded) {
      this.#wanted = false
      this.push(null)
    }
  }

  #hand(bytes: Uint8Array): void {
    this.#feed({ type: 'consumed', connection: this.#id, length: bytes.length })
    this.#wanted = this.push(bytes)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error) => void): void {
    // While the rest of an answer is being read, late input has nobody to go to.
    if (this.#farEnded) {
      callback()
      return
    }
    this.#feed({ type: 'write', connection: this.#id, bytes: chunk })
    // The session answers in the microtask that `feed` has queued; this one comes after it.
    queueMicrotask(() => {
      if (this.#full) this.#waiting = callback
      else callback()
    })
  }

  override _final(callback: () => void): void {
    if (!this.#farEnded) this.#feed({ type: 'end', connection: this.#id })
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const held = this.#arrived.size
    if (held > 0) this.#feed({ type: 'consumed', connection: this.#id, length: held })
    this.#arrived.clear()
    if (!this.#farEnded) this.#feed({ type: 'abort', connection: this.#id })
    this.#farEnded = true
    this.#waiting = undefined
    callback(error)
  }
}
