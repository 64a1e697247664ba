import type { ChannelLog } from '#core/ssm/channel-log.ts'
import type { Message } from '#core/ssm/message.ts'
import type { Outbound } from '#core/ssm/outbound.ts'
import { ReceiveQueue, type StreamPayload } from '#core/ssm/receive-queue.ts'

/** Everything that comes in on the agent's stream: puts it in order, and owes its acknowledgements. */
export class Inbound {
  readonly #log: ChannelLog
  readonly #outbound: Outbound
  readonly #receiving = new ReceiveQueue()

  constructor(log: ChannelLog, outbound: Outbound) {
    this.#log = log
    this.#outbound = outbound
  }

  /** For its figures; the order is its own business. */
  get receiving(): ReceiveQueue {
    return this.#receiving
  }

  /** True: the message's turn is now, and after it {@link takeNext} gives those that waited for it. */
  accept(message: Message): boolean {
    const { sequence, payloadType, payload } = message
    const arrival = this.#outbound.owesTooMuch ? 'beyond' : this.#receiving.accept(message)
    if (arrival === 'beyond') {
      this.#log.ignored('beyond-window', message.type, payload.length)
      return false
    }
    this.#outbound.oweAcknowledgement(message)
    if (arrival === 'duplicate') this.#log.duplicateIn()
    else this.#log.received(payloadType, sequence, payload.length)
    return arrival === 'deliver'
  }

  takeNext(): StreamPayload | undefined {
    return this.#receiving.takeNext()
  }
}
