import type { WebSocket } from 'ws'
import type { Clock, Ms } from '#core/clock.ts'

/** The vendor's agent pings this often, the first time after as long, and gives a peer up that answers none. */
const PING_EVERY: Ms = 54_000
const PONG_TIMEOUT: Ms = 60_000

/** Pings the peer until the returned function is called, and ends the connection when no pong comes. */
export function keepAlive(webSocket: WebSocket, clock: Clock): () => void {
  let cancelPing = () => {}
  let cancelTimeout = () => {}
  const ping = () => {
    webSocket.ping('keepalive')
    cancelTimeout()
    cancelTimeout = clock.after(PONG_TIMEOUT, () => webSocket.terminate())
    cancelPing = clock.after(PING_EVERY, ping)
  }
  const onPong = () => cancelTimeout()
  webSocket.on('pong', onPong)
  cancelPing = clock.after(PING_EVERY, ping)
  return () => {
    cancelPing()
    cancelTimeout()
    webSocket.off('pong', onPong)
  }
}
