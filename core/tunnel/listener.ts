import type { Duplex } from 'node:stream'
import type { Bytes, Clock, Instant, Ms } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'
import type { TunnelHappening } from '#core/tunnel/events.ts'
import type { PortPlan } from '#core/tunnel/local-port.ts'

/** The port of a tunnel towards this computer: what `io/listener.ts` does with sockets. */
export type Listen = (request: ListenRequest) => Promise<LocalListener>

export interface ListenRequest {
  readonly plan: PortPlan
  /** One address instead of both loopbacks; `localhost` means both. */
  readonly bind?: string | undefined
  readonly clock: Clock
  /** Opens the far end of one local connection. The signal aborts when that connection is gone before it is open. */
  readonly connect: (signal: AbortSignal) => Promise<Duplex>
  readonly report: (happening: TunnelHappening) => void
}

/** What listens on this computer. Disposal is an abort. */
export interface LocalListener extends AsyncDisposable {
  /** The first of the addresses. */
  readonly address: string
  readonly addresses: readonly string[]
  readonly port: number
  /** The connections that are open now, oldest first. */
  connections(): readonly OpenConnection[]
  /** When a byte last passed, in any connection. */
  lastActivity(): Instant | undefined
  /** Accepts no more and lets the open connections end, for at most `within` ms; then it cuts them. */
  close(within: Ms): Promise<void>
  /** Accepts no more and cuts every connection at once, `error` being the cause that is reported. */
  abort(error: PgctlError): Promise<void>
}

export interface OpenConnection {
  readonly connection: number
  /** Wall-clock moment. */
  readonly openedAt: Ms
  /** From the local client to the far end. */
  readonly sent: Bytes
  readonly received: Bytes
}
