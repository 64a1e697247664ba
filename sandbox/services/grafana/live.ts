/** The live WebSocket: what the panels show, once as history and then as it happens. */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import type { Clock, Ms } from '#core/clock.ts'

/** A second of the installation's figures; `time` is ISO 8601. */
interface Update {
  readonly time: string
  readonly values: Readonly<Record<string, number>>
}

/** One message of the live WebSocket. The first is the last two minutes. */
interface LiveMessage {
  readonly type: 'history' | 'update'
  readonly updates: readonly Update[]
}

const INTERVAL: Ms = 1000
const HISTORY = 120

export interface LiveFeed {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

/** A feed that asks for the time only while somebody watches. */
export function startLiveFeed(clock: Clock): LiveFeed {
  const server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 })
  let cancel: (() => void) | undefined

  const tick = () => {
    cancel = undefined
    if (server.clients.size === 0) return
    const message = encode('update', [updateAt(clock.now().wall)])
    for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(message)
    cancel = clock.after(INTERVAL, tick)
  }

  return {
    accept(request, socket, head) {
      server.handleUpgrade(request, socket, head, (client) => {
        client.on('error', () => client.terminate())
        client.send(encode('history', historyAt(clock.now().wall)))
        cancel ??= clock.after(INTERVAL, tick)
      })
    },
    close() {
      cancel?.()
      for (const client of server.clients) client.terminate()
    },
  }
}

function encode(type: LiveMessage['type'], updates: readonly Update[]): string {
  return JSON.stringify({ type, updates } satisfies LiveMessage)
}

function historyAt(wall: Ms): Update[] {
  return Array.from({ length: HISTORY }, (_, index) => updateAt(wall - (HISTORY - 1 - index) * INTERVAL))
}

/** The figures of a moment: slow waves with a little unrest, the same for everyone who looks. */
function updateAt(wall: Ms): Update {
  const seconds = Math.floor(wall / 1000)
  const wave = (period: number, offset: number) => Math.sin((2 * Math.PI * (seconds + offset)) / period)
  const unrest = (seed: number) => ((seconds * 2_654_435_761 + seed * 40_503) % 1000) / 1000
  const round = (value: number) => Math.round(value * 10) / 10
  return {
    time: new Date(seconds * 1000).toISOString(),
    values: {
      'hermes.rate': round(42 + 14 * wave(90, 0) + 6 * unrest(1)),
      'cerberus.rate': round(18 + 5 * wave(60, 20) + 3 * unrest(2)),
      'hermes.p95': round(120 + 35 * wave(75, 40) + 20 * unrest(3)),
      'cerberus.p95': round(48 + 9 * wave(50, 10) + 8 * unrest(4)),
      'queue.depth': Math.max(0, Math.round(30 + 28 * wave(110, 55) + 8 * unrest(5))),
    },
  }
}
