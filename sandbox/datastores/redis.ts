import type { Socket } from 'node:net'
import type { Clock } from '#core/clock.ts'
import { type RedisSession, runRedisCommand } from './redis-commands.ts'
import type { ClusterNode } from './redis-slots.ts'
import type { RedisStore } from './redis-store.ts'
import { encodeReply, RespError, RespReader } from './resp.ts'

export interface RedisOptions {
  readonly clock: Clock
  readonly store: RedisStore
  /** Where it is in its cluster; undefined for one that stands alone. */
  readonly node?: ClusterNode | undefined
  /** What a client has to show before it is answered; undefined where nothing. */
  readonly password?: string | undefined
}

let connections = 0

/** Serves one client of a cache until it goes. */
export async function serveRedis(socket: Socket, options: RedisOptions): Promise<void> {
  const { clock, store, node, password } = options
  connections += 1
  const session: RedisSession = {
    ...{ id: connections, store, node, password, isIn: password === undefined },
    ...{ database: 0, version: 2, name: '' },
  }
  const reader = new RespReader()
  try {
    // A connection that is ended here must still take its last word along.
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      reader.push(chunk)
      for (let words = reader.next(); words !== undefined; words = reader.next()) {
        if (words.length === 0) continue
        if (words[0]?.toString('latin1').toUpperCase() === 'QUIT') {
          socket.end('+OK\r\n').resume()
          return
        }
        const reply = runRedisCommand(session, words, clock.now().wall)
        // Who asks and does not read is not read from either.
        if (!socket.write(encodeReply(reply, session.version))) await drained(socket)
      }
    }
    socket.end()
  } catch (error) {
    if (error instanceof RespError) socket.end(`-ERR ${error.message}\r\n`).resume()
    else socket.destroy()
  }
}

/** Until the socket takes more, or has gone. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done)
      resolve()
    }
    if (socket.destroyed) resolve()
    else socket.on('drain', done).on('close', done)
  })
}
