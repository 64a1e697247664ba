import type { Duplex, Readable, Writable } from 'node:stream'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'

/**
 * Carries bytes between a far end and two streams of this process, until the far end closes. An end of `input` is
 * passed on; `output` is left open.
 * @throws PgctlError that broke the far end; the signal's reason once that aborts.
 */
export async function carry(
  far: Duplex,
  input: Readable,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  const closed = new Promise<void>((resolve, reject) => {
    far.once('error', (error) => reject(asFailure(error)))
    far.once('close', () => resolve())
  })
  const onAbort = () => far.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  far.on('data', (bytes: Uint8Array) => {
    if (!output.write(bytes)) {
      far.pause()
      output.once('drain', () => far.resume())
    }
  })
  const onInput = (bytes: Uint8Array) => {
    if (!far.destroyed && !far.write(bytes)) {
      input.pause()
      far.once('drain', () => input.resume())
    }
  }
  const onInputEnd = () => far.end()
  input.on('data', onInput)
  input.resume()
  input.once('end', onInputEnd)
  input.once('error', onInputEnd)
  try {
    await closed
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', onAbort)
    input.off('data', onInput)
    input.off('end', onInputEnd)
    input.off('error', onInputEnd)
    input.pause()
    far.destroy()
  }
}

function asFailure(error: unknown): unknown {
  if (isPgctlError(error)) return error
  return new PgctlError('session-lost', 'the connection to the far end was cut', {
    why: messageOf(error),
    cause: error,
  })
}
