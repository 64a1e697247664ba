import type { Duplex } from 'node:stream'
import type { PgctlError } from '#core/errors.ts'
import { StraightDialer } from '#core/tunnel/io/straight-dialer.ts'

/** The plainest route there is, for tests to count its connections and to end it. */
export class TcpDialer extends StraightDialer {
  /** How many connections were asked for. */
  connects = 0

  override connect(signal?: AbortSignal): Promise<Duplex> {
    if (!signal?.aborted) this.connects++
    return super.connect(signal)
  }

  /** Ends the route, as a session that is terminated from elsewhere does. */
  end(error: PgctlError): void {
    this.stop(error)
    this.events.emit({ event: 'ended', error })
  }
}
