/** Requests to the sandbox's `payload` through a tunnel: each on a connection of its own, with the times that matter. */
import { createHash, type Hash } from 'node:crypto'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Bytes, Ms } from '#core/clock.ts'

/** The content is the same for the same number: what is sent twice must not look alike. */
const UPLOAD_CHUNK = Buffer.alloc(
  64 * 1024,
  'the same bytes a client would read from a file, again and again; ',
)

export interface DownloadOptions {
  readonly port: number
  /** `/random/BYTES`, and the like. */
  readonly path: string
  /** Checks the content against the digest that the server tells. */
  readonly checked?: boolean
  /** Is told of every piece. */
  readonly onBytes?: (length: Bytes) => void
  readonly signal: AbortSignal
}

export interface Download {
  readonly bytes: Bytes
  /** From before the connection to the first byte of the answer. */
  readonly firstByte: Ms
  /** From the first piece of the body to the last. */
  readonly duration: Ms
  /** Undefined where it was not checked. */
  readonly intact: boolean | undefined
}

/** Reads one answer to its end. @throws Error when it breaks off, or is no answer of the kind. */
export async function download(options: DownloadOptions): Promise<Download> {
  const { port, path, checked = false, onBytes = () => {}, signal } = options
  const before = performance.now()
  const response = await responseTo(request({ ...to(port, path), signal }).end())
  const firstByte = performance.now() - before
  const hash = checked ? createHash('sha256') : undefined
  let bytes = 0
  let bodyFrom: Ms | undefined
  for await (const piece of response as AsyncIterable<Buffer>) {
    bodyFrom ??= performance.now()
    bytes += piece.length
    hash?.update(piece)
    onBytes(piece.length)
  }
  const duration = performance.now() - (bodyFrom ?? performance.now())
  return { bytes, firstByte, duration, intact: intact(response, bytes, hash) }
}

/** Opens a download, reads its first piece and then nothing more until `close`. */
export async function stalledDownload(options: DownloadOptions): Promise<{ close(): void }> {
  const outgoing = request({ ...to(options.port, options.path), signal: options.signal }).end()
  // What breaks it later is its end, which nobody waits for.
  outgoing.on('error', () => {})
  const response = await responseTo(outgoing)
  response.on('error', () => {})
  response.once('readable', () => response.read(1))
  return { close: () => outgoing.destroy() }
}

export interface UploadOptions {
  readonly port: number
  readonly bytes: Bytes
  readonly signal: AbortSignal
}

export interface Upload {
  /** From before the connection to the answer, which comes when the far end has all. */
  readonly duration: Ms
  /** Bytes that did not arrive, or all of them when what arrived is not what was sent. */
  readonly lost: Bytes
}

/** Sends bytes to the far end, which answers what it got. */
export async function upload({ port, bytes, signal }: UploadOptions): Promise<Upload> {
  const before = performance.now()
  const outgoing = request({
    ...to(port, '/sink'),
    method: 'PUT',
    headers: { 'content-length': bytes },
    signal,
  })
  const answer = responseTo(outgoing)
  const [sent, response] = await Promise.all([writeAll(outgoing, bytes), answer])
  const counted = JSON.parse(await textOf(response)) as { bytes: number; sha256: string }
  const duration = performance.now() - before
  return { duration, lost: counted.sha256 === sent ? 0 : Math.max(bytes - counted.bytes, 1) }
}

/** Writes as fast as the connection takes it, and answers the digest of all. */
async function writeAll(outgoing: ClientRequest, bytes: Bytes): Promise<string> {
  const hash = createHash('sha256')
  for (let left = bytes; left > 0; left -= UPLOAD_CHUNK.length) {
    const piece = UPLOAD_CHUNK.subarray(0, Math.min(left, UPLOAD_CHUNK.length))
    hash.update(piece)
    if (!outgoing.write(piece)) await writable(outgoing)
  }
  outgoing.end()
  return hash.digest('hex')
}

function writable(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      outgoing.off('drain', settle).off('error', settle).off('close', closed)
      if (error === undefined) resolve()
      else reject(error)
    }
    const closed = () => settle(new Error('the connection closed during an upload'))
    outgoing.once('drain', settle).once('error', settle).once('close', closed)
  })
}

function to(port: number, path: string) {
  return { host: '127.0.0.1', port, path, agent: false as const }
}

function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      if (response.statusCode === 200) return resolve(response)
      response.resume()
      reject(new Error(`${outgoing.path} was answered with HTTP ${response.statusCode}`))
    })
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of response) text += piece
  return text
}

function intact(response: IncomingMessage, bytes: Bytes, hash: Hash | undefined): boolean | undefined {
  if (bytes !== Number(response.headers['content-length'])) return false
  return hash === undefined ? undefined : hash.digest('hex') === response.headers['x-sha256']
}
