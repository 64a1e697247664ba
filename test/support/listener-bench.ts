import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { systemClock } from '#core/io/system-clock.ts'
import type { TunnelHappening } from '#core/tunnel/events.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import type { ListenRequest, LocalListener } from '#core/tunnel/listener.ts'
import type { Front } from '#core/tunnel/tunnel.ts'
import { FarEnd } from './far-end.ts'
import { closed, readBytes } from './streams.ts'
import { TcpDialer } from './tcp-dialer.ts'

export interface Bench extends AsyncDisposable {
  readonly far: FarEnd
  readonly listener: LocalListener
  readonly events: TunnelHappening[]
  /** A client's connection, to 127.0.0.1 unless another address is given. */
  client(host?: string): Promise<Socket>
  /** A connection that does not last: how it broke. */
  refused(): Promise<NodeJS.ErrnoException | undefined>
  /** Resolves with the next event of that name, one that has happened already included. */
  event<Name extends TunnelHappening['event']>(name: Name): Promise<Extract<TunnelHappening, { event: Name }>>
}

/** A listener in front of a far end. Every client may break without failing the test. */
export async function openBench(
  serve?: (socket: Socket) => void,
  { front, ...change }: Partial<ListenRequest> & { readonly front?: Front } = {},
  loopbacks?: readonly [string, string],
): Promise<Bench> {
  await using stack = new AsyncDisposableStack()
  const far = stack.use(await FarEnd.start(serve))
  const dialer = stack.use(new TcpDialer(far))
  const events: TunnelHappening[] = []
  const waiting: Array<() => void> = []
  const listener = await listenLocally(
    {
      plan: { kind: 'any' },
      clock: systemClock,
      connect: async (signal) => {
        const far = await dialer.connect(signal)
        return front === undefined ? far : front.pass(far, signal)
      },
      report: (happening) => {
        events.push(happening)
        for (const wake of waiting.splice(0)) wake()
      },
      ...change,
    },
    loopbacks,
  )
  stack.use(listener)
  const open = stack.move()
  return {
    far,
    listener,
    events,
    async client(host = '127.0.0.1') {
      const socket = createConnection({ host, port: listener.port, allowHalfOpen: true })
      open.defer(() => void socket.destroy())
      await once(socket, 'connect')
      return socket.on('error', () => {})
    },
    async refused() {
      const socket = createConnection({ host: '127.0.0.1', port: listener.port }).resume()
      return closed(socket)
    },
    async event(name) {
      for (;;) {
        const found = events.find((happening) => happening.event === name)
        if (found !== undefined) return found as Extract<TunnelHappening, { event: typeof name }>
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Sends `text` and expects it back. */
export async function roundTrip(socket: Socket, text: string): Promise<void> {
  socket.write(text)
  assert.equal((await readBytes(socket, text.length)).toString(), text)
}
