import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Bytes } from '#core/clock.ts'

/** A request as it came over the wire, its body read; what signatures are checked on. */
export interface WireRequest {
  readonly method: string
  /** As on the request line: still percent-encoded, without the query. */
  readonly path: string
  /** As on the request line, without its question mark. */
  readonly query: string
  /** Names as they were written, duplicates kept, in order. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Uint8Array
  /** Whether it came over TLS. */
  readonly secure: boolean
}

export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** The largest body that any of the services takes: a MiB of log events, of which JSON may write a byte in six. */
const BODY_LIMIT: Bytes = 8 * 1024 * 1024

/** The request with its body; undefined when the body is beyond what any service takes. */
export async function readWireRequest(incoming: IncomingMessage): Promise<WireRequest | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    // The rest is read as well: only then is there anybody to be told.
    if (length <= BODY_LIMIT) chunks.push(chunk)
  }
  if (length > BODY_LIMIT) return undefined
  return wireRequestOf(incoming, Buffer.concat(chunks))
}

/** The request without waiting for a body: an upgrade has none. */
export function wireRequestOf(incoming: IncomingMessage, body: Uint8Array = new Uint8Array(0)): WireRequest {
  const target = incoming.url ?? '/'
  const at = target.indexOf('?')
  const headers: Array<[string, string]> = []
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    headers.push([incoming.rawHeaders[i] as string, incoming.rawHeaders[i + 1] as string])
  }
  return {
    method: incoming.method ?? 'GET',
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? '' : target.slice(at + 1),
    headers,
    body,
    secure: (incoming.socket as TLSSocket).encrypted === true,
  }
}

/** The first header of that name (in lower case), or undefined. */
export function headerOf(request: Pick<WireRequest, 'headers'>, name: string): string | undefined {
  return request.headers.find(([candidate]) => candidate.toLowerCase() === name)?.[1]
}
