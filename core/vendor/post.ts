import { request as httpsRequest } from 'node:https'
import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'

/** One request and its whole answer. */
export interface Post {
  readonly url: URL
  readonly body: string
  readonly agents: OutboundAgents
  readonly clock: Clock
  /** For the whole of it: a server that drips bytes gains nothing. */
  readonly deadline: Ms
  /** The most that is read of an answer. */
  readonly limit: Bytes
  readonly signal?: AbortSignal | undefined
}

export interface Posted {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** Sends a JSON body by POST and reads the answer, whatever its status. Redirects are answers like any other. */
export function post({ url, body, agents, clock, deadline, limit, signal }: Post): Promise<Posted> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const sending = httpsRequest(
      url,
      {
        method: 'POST',
        agent: agents.https,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'text/plain',
          // The same for everyone: what is told is in the body alone.
          'user-agent': 'pgctl',
        },
      },
      (answer) => {
        const chunks: Buffer[] = []
        let length = 0
        answer.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > limit) return end(tooLarge(url, limit))
          chunks.push(chunk)
        })
        answer.once('error', (error) => end(unreachable(url, error)))
        answer.once('end', () => {
          const { statusCode = 0, headers } = answer
          end(undefined, { status: statusCode, headers, text: Buffer.concat(chunks).toString('utf8') })
        })
      },
    )
    const cancel = clock.after(deadline, () => end(tooSlow(url, deadline)))
    const onAbort = () => end(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    let isOver = false
    function end(failure: unknown, posted?: Posted): void {
      if (isOver) return
      isOver = true
      cancel()
      signal?.removeEventListener('abort', onAbort)
      if (posted !== undefined) resolve(posted)
      else {
        sending.destroy()
        reject(failure)
      }
    }
    sending.on('error', (error) => end(unreachable(url, error)))
    sending.end(body)
  })
}

/** What a connection that cannot be trusted fails with; trying it once more does not change it. */
const CERTIFICATE_FAULT = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/

function unreachable(url: URL, cause: Error): PgctlError {
  const { code = '' } = cause as NodeJS.ErrnoException
  const distrusted = CERTIFICATE_FAULT.test(code)
  return new PgctlError('endpoint-unreachable', `cannot reach the vendor at ${url.host}`, {
    why: messageOf(cause),
    next: distrusted
      ? 'name the authority of a proxy that opens TLS in AWS_CA_BUNDLE; the license stands meanwhile'
      : 'see that this host may be reached from here, by HTTPS_PROXY if there is one; the license stands meanwhile',
    cause,
  })
}

/** Whether another try may end otherwise. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof PgctlError)) return false
  if (error.code === 'throttled' || error.code === 'timed-out') return true
  const { code = '' } = Object(error.cause) as NodeJS.ErrnoException
  return error.code === 'endpoint-unreachable' && !CERTIFICATE_FAULT.test(code)
}

function tooSlow(url: URL, deadline: Ms): PgctlError {
  return new PgctlError('timed-out', `the vendor at ${url.host} has not answered in ${deadline / 1_000} s`, {
    next: 'ask later; the license stands meanwhile',
  })
}

function tooLarge(url: URL, limit: Bytes): PgctlError {
  return new PgctlError('protocol-violation', `the answer of ${url.host} is no answer of the vendor`, {
    why: `it is longer than ${limit / 1024} KiB`,
    next: 'see which proxy or portal answers for this host; the license stands meanwhile',
  })
}
