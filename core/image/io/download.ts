import { createWriteStream } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'

/** No answer, and no byte of one, for so long is none. */
const SILENCE_MS = 60_000

/**
 * Puts what a URL answers into a file. No redirect is followed: what a lock names is where it says, and nowhere else.
 * @throws PgctlError `endpoint-unreachable`, or `failed` with the status.
 */
export async function download(
  url: string,
  path: string,
  agents: OutboundAgents,
  signal: AbortSignal,
): Promise<void> {
  const [request, agent] =
    new URL(url).protocol === 'https:' ? [httpsRequest, agents.https] : [httpRequest, agents.http]
  const stopped = AbortSignal.any([signal, AbortSignal.timeout(30 * SILENCE_MS)])
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = request(url, { agent, signal: stopped, timeout: SILENCE_MS }, resolve)
  sent.on('error', reject)
  sent.on('timeout', () => sent.destroy(new Error(`it was silent for ${SILENCE_MS / 1000} s`)))
  sent.end()
  let answer: Awaited<typeof answered>
  try {
    answer = await answered
  } catch (error) {
    signal.throwIfAborted()
    throw new PgctlError('endpoint-unreachable', `cannot fetch ${url}`, {
      why: messageOf(error),
      next: 'check the network, or name a mirror with --mirror URL',
      cause: error,
    })
  }
  if (answer.statusCode !== 200) {
    answer.resume()
    throw new PgctlError('failed', `cannot fetch ${url}`, {
      why: `it answers with status ${answer.statusCode}`,
      next: 'correct the version or the URL in the lock',
    })
  }
  await pipeline(answer, createWriteStream(path, { mode: 0o600 }), { signal: stopped })
}
