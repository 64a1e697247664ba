import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import type { Dialer } from '#core/tunnel/dialer.ts'
import { readBytes } from './streams.ts'

const REQUEST = 'GET /echo HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: bytes\r\n\r\n'
const ANSWER = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: bytes\r\n\r\n'

/** A connection to `payload` that has reached it, and from which every byte comes back. */
export async function connectEcho(dialer: Dialer): Promise<Duplex> {
  const stream = await dialer.connect()
  // The end of a test breaks what is still open, and that is no news.
  stream.on('error', () => {})
  stream.write(REQUEST)
  assert.equal((await readBytes(stream, ANSWER.length)).toString(), ANSWER)
  return stream
}
