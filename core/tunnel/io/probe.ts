import type { Duplex } from 'node:stream'
import type { Clock } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { ANSWER_BYTES, judgeAnswer, judgeSilence, type Probe, type ProbeResult } from '#core/tunnel/probe.ts'

/**
 * Sends a probe's request over `stream`, judges what comes back, and destroys the stream.
 * @throws whatever broke the stream, unless that was a refusal; the signal's reason.
 */
export function runProbe(
  stream: Duplex,
  probe: Probe,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<ProbeResult> {
  return new Promise<ProbeResult>((resolve, reject) => {
    let received = new Uint8Array()
    const judge = (ended: boolean) => {
      const result = judgeAnswer(probe, received, ended)
      if (result !== undefined) finish(() => resolve(result))
    }
    const onData = (chunk: Uint8Array) => {
      received = Uint8Array.from([...received, ...chunk.subarray(0, ANSWER_BYTES - received.length)])
      judge(received.length === ANSWER_BYTES)
    }
    const onEnd = () => judge(true)
    const onAbort = () => finish(() => reject(signal.reason))
    const onTimeout = () =>
      finish(() =>
        resolve((received.length > 0 && judgeAnswer(probe, received, true)) || judgeSilence(probe)),
      )
    const finish = (settle: () => void) => {
      cancel()
      signal.removeEventListener('abort', onAbort)
      stream.off('data', onData).off('end', onEnd).off('close', onEnd)
      stream.destroy()
      settle()
    }
    const cancel = clock.after(probe.patience, onTimeout)
    // Stays: a stream that breaks while it is destroyed has nobody else to tell.
    stream.on('error', (error) => finish(() => settleBroken(error, resolve, reject)))
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    stream.on('data', onData).on('end', onEnd).on('close', onEnd)
    if (probe.request.length > 0) stream.write(probe.request)
  })
}

function settleBroken(
  error: Error,
  resolve: (result: ProbeResult) => void,
  reject: (error: unknown) => void,
): void {
  if (isPgctlError(error, 'far-end-refused'))
    resolve({ result: 'refused', detail: error.why ?? error.message })
  else if (isPgctlError(error)) reject(error)
  else
    reject(new PgctlError('session-lost', 'the connection was cut', { why: messageOf(error), cause: error }))
}
