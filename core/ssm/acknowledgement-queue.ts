import type { Bytes, Instant } from '#core/clock.ts'
import { FLAG_FIN, FLAG_SYN, PAYLOAD_OFFSET } from '#core/ssm/constants.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import { encodeMessage, type Message, type MessageIds } from '#core/ssm/message.ts'
import { encodeAcknowledgement } from '#core/ssm/payloads.ts'

/** Acknowledgements that may wait for the WebSocket. Beyond, a message is not accepted, and comes again. */
export const WAITING_ACKNOWLEDGEMENTS = 20_000

/** An acknowledgement's frame is at most this long. */
const FRAME_BYTES: Bytes = PAYLOAD_OFFSET + 200

interface Waiting {
  readonly sequence: number
  readonly messageId: Uint8Array
}

/** What was accepted from the agent and is still to be acknowledged, in order. */
export class AcknowledgementQueue {
  readonly #ids: MessageIds
  readonly #waiting = new Fifo<Waiting>()

  constructor(ids: MessageIds) {
    this.#ids = ids
  }

  get isFull(): boolean {
    return this.#waiting.size >= WAITING_ACKNOWLEDGEMENTS
  }

  /** Owes an acknowledgement of `message`, of which it keeps nothing but sequence and id. */
  push(message: Message): void {
    this.#waiting.push({ sequence: message.sequence, messageId: new Uint8Array(message.messageId) })
  }

  /** The next acknowledgement's frame, or undefined when none is owed or `budget` is too small. */
  take(now: Instant, budget: Bytes): Uint8Array | undefined {
    if (budget < FRAME_BYTES) return undefined
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return undefined
    return encodeMessage({
      type: 'acknowledge',
      createdDate: now.wall,
      sequence: 0,
      flags: FLAG_SYN | FLAG_FIN,
      messageId: this.#ids.next(),
      payloadType: 0,
      payload: encodeAcknowledgement('output_stream_data', waiting.messageId, waiting.sequence),
    })
  }

  clear(): void {
    this.#waiting.clear()
  }
}
