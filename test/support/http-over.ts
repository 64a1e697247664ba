import { createHash } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import type { Duplex, Readable } from 'node:stream'

export interface Fetched {
  readonly status: number
  readonly bytes: number
  /** Of the body as it arrived, and as the far end says it left. */
  readonly sha256: string
  readonly promised: string | undefined
  /** The body, when it is small. */
  readonly text: string
}

/** One HTTP/1.1 request over a connection of any route; the connection ends with it. */
export async function fetchOver(
  stream: Duplex,
  path: string,
  options: { method?: string; body?: Readable | Uint8Array; onBytes?: (received: number) => void } = {},
): Promise<Fetched> {
  const response = await respond(stream, path, options)
  const hash = createHash('sha256')
  let bytes = 0
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    if (bytes < 10_000) text += chunk.toString('latin1')
    options.onBytes?.(bytes)
  }
  const promised = response.headers['x-sha256']
  return {
    status: response.statusCode ?? 0,
    bytes,
    sha256: hash.digest('hex'),
    promised: typeof promised === 'string' ? promised : undefined,
    text,
  }
}

/** The answer's beginning; its body is read by the caller. */
export function respond(
  stream: Duplex,
  path: string,
  options: { method?: string; body?: Readable | Uint8Array } = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        path,
        method: options.method ?? (options.body === undefined ? 'GET' : 'PUT'),
        host: '127.0.0.1',
        port: 80,
        headers: { connection: 'close' },
        createConnection: () => stream,
      },
      resolve,
    )
    outgoing.once('error', reject)
    if (options.body === undefined || options.body instanceof Uint8Array) outgoing.end(options.body)
    else options.body.once('error', reject).pipe(outgoing)
  })
}
