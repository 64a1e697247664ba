import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Duplex } from 'node:stream'
import type { NearNode } from '#core/datastores/io/redis-front.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import type { Front } from '#core/tunnel/tunnel.ts'

/** A way to a datastore, as it listens on this computer. Disposal takes it away. */
export interface NearWay extends NearNode, AsyncDisposable {
  /** Resolves when the way is gone. Never rejects. */
  readonly ended: Promise<unknown>
}

/** A port of this process in front of one that others share: each of its connections passes `front`. */
export async function listenBefore(shared: NearNode, front: Front | undefined): Promise<NearWay> {
  const gone = Promise.withResolvers<void>()
  const listener = await listenLocally({
    plan: { kind: 'any' },
    bind: '127.0.0.1',
    clock: systemClock,
    report: () => {},
    async connect(signal) {
      try {
        const far = await connectTo(shared, signal)
        return (await front?.pass(far, signal)) ?? far
      } catch (error) {
        // The next one is asked for anew, and finds whoever holds tunnels then.
        gone.resolve()
        throw error
      }
    },
  })
  const { address, port } = listener
  return {
    ...{ address, port, ended: gone.promise },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}

async function connectTo({ address, port }: NearNode, signal: AbortSignal): Promise<Duplex> {
  const socket = createConnection({ host: address, port, allowHalfOpen: true, noDelay: true })
  try {
    await once(socket, 'connect', { signal })
    return socket
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    throw new PgctlError('session-ended', 'the tunnel in the background is gone', {
      why: messageOf(cause),
      next: 'run the command again: it opens another',
      cause,
    })
  }
}
