import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'

/** All bytes until the end; rejects with what broke the stream. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Exactly `length` bytes; what comes after them stays in the stream. */
export async function readBytes(stream: Readable, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let missing = length
  while (missing > 0) {
    const chunk = stream.read(Math.min(missing, stream.readableLength || missing)) as Buffer | null
    if (chunk === null) await once(stream, 'readable')
    else {
      chunks.push(chunk)
      missing -= chunk.length
    }
  }
  return Buffer.concat(chunks)
}

/** Resolves when the stream is closed, with what broke it, if anything did. */
export async function closed(stream: Duplex): Promise<Error | undefined> {
  if (!stream.closed) {
    const ignore = () => {}
    stream.on('error', ignore)
    await new Promise((resolve) => stream.once('close', resolve))
    stream.off('error', ignore)
  }
  return stream.errored ?? undefined
}

/** What comes back for `bytes` from a far end that echoes; then the stream is given up. */
export async function exchange(stream: Duplex, bytes: Uint8Array): Promise<Buffer> {
  stream.write(bytes)
  const answer = await readBytes(stream, bytes.length)
  stream.destroy()
  return answer
}

/** Resolves when the other side of `stream` has gone, in order or not; what it still says is dropped. */
export async function leaves(stream: Duplex): Promise<void> {
  stream.once('end', () => stream.end()).resume()
  await closed(stream)
}
