import type { Duplex } from 'node:stream'
import type { PgctlError } from '#core/errors.ts'
import { StraightDialer } from '#core/tunnel/io/straight-dialer.ts'

/** The plainest route there is, which a test can end. It carries everything that a route can carry. */
export class TcpDialer extends StraightDialer {
  /** How many connections were asked for. */
  connects = 0

  override async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    this.connects++
    return super.connect(signal)
  }

  /** Ends the route, as a session that is terminated from elsewhere does. */
  end(error: PgctlError): void {
    this.stop(error)
    this.events.emit({ event: 'ended', error })
  }
}
