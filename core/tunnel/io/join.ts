import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'

/** Bytes that have passed; counted while they do. */
export interface Traffic {
  /** From the local client to the far end. */
  sent: Bytes
  received: Bytes
}

/**
 * How long a client may take to hang up after the far end has, once all of the answer is on its way. To close a
 * socket while input comes in would reset it, and a reset may overtake the answer.
 */
const LINGER: Ms = 5_000

export interface JoinOptions {
  readonly local: Socket
  readonly remote: Duplex
  readonly traffic: Traffic
  readonly clock: Clock
  /** Called for every chunk that passes, either way. */
  readonly onPassage: () => void
  /** Cuts both at once when it aborts, its reason being the failure. */
  readonly signal: AbortSignal
}

/**
 * Joins a local socket and a far end until both are closed, and resolves with the failure, if one cut them.
 *
 * Each side is read only as fast as the other takes it; an end of one side is passed on as an end of that direction
 * alone. A failure of either destroys both, the local one with a reset: a client must not take half a download for
 * a whole one.
 */
export function joinStreams(options: JoinOptions): Promise<PgctlError | undefined> {
  const { local, remote, traffic, clock, onPassage, signal } = options
  return new Promise((resolve) => {
    let failure: PgctlError | undefined
    let lingering = false
    let cancelLinger = () => {}
    const fail = (error: PgctlError) => {
      failure ??= error
      remote.destroy()
      cut(local)
    }
    const linger = () => {
      lingering = true
      cancelLinger = clock.after(LINGER, () => local.destroy())
    }
    const onLocalClosed = () => {
      cancelLinger()
      if (!lingering && (!local.readableEnded || !local.writableFinished)) fail(brokenLocally(undefined))
      if (remote.closed) resolve(failure)
    }
    const onRemoteClosed = () => {
      if (!remote.readableEnded) fail(brokenRemotely(undefined))
      if (local.closed) return resolve(failure)
      // What the client still says has nobody to go to; it is read, so that the answer arrives.
      local.resume()
      if (local.writableFinished) linger()
      else local.once('finish', linger)
    }
    local.on('error', (error) => {
      if (!lingering) fail(brokenLocally(error))
    })
    remote.on('error', (error) => {
      // Once the far end has said all, its answer is whole, and the client gets it.
      if (remote.readableEnded) failure ??= brokenRemotely(error)
      else fail(brokenRemotely(error))
    })
    local.on('close', onLocalClosed)
    remote.on('close', onRemoteClosed)
    signal.addEventListener('abort', () => fail(brokenRemotely(signal.reason)), { once: true })

    pump(local, remote, (length) => {
      traffic.sent += length
      onPassage()
    })
    pump(remote, local, (length) => {
      traffic.received += length
      onPassage()
    })
    // What closed before anyone listened says so no second time.
    if (signal.aborted) fail(brokenRemotely(signal.reason))
    if (local.closed) onLocalClosed()
    if (remote.closed) onRemoteClosed()
  })
}

function pump(from: Duplex, to: Duplex, count: (length: Bytes) => void): void {
  from.on('data', (chunk: Uint8Array) => {
    if (to.destroyed) return
    count(chunk.length)
    corkForThisTurn(to)
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => to.end())
}

/** An agent sends a kilobyte a message, dozens arrive at once, and a system call for each is most of their cost. */
function corkForThisTurn(to: Duplex): void {
  if (to.writableCorked > 0) return
  to.cork()
  process.nextTick(() => to.uncork())
}

/**
 * Resets a client's connection. Not while its end is on the way to the system, all bytes before it being there: the
 * system refuses a reset then, and Node forgets to close the socket at all.
 */
function cut(local: Socket): void {
  if (local.destroyed) return
  const isEnding = local.writableEnded && !local.writableFinished && local.writableLength === 0
  if (isEnding) local.destroy()
  else local.resetAndDestroy()
}

function brokenLocally(cause: Error | undefined): PgctlError {
  const why = cause === undefined ? undefined : messageOf(cause)
  return new PgctlError('failed', 'the local client broke the connection', { why, cause })
}

function brokenRemotely(cause: unknown): PgctlError {
  if (isPgctlError(cause)) return cause
  const why = cause === undefined ? undefined : messageOf(cause)
  return new PgctlError('session-lost', 'the connection to the far end was cut', { why, cause })
}
