import * as z from 'zod'
import { AT_MESSAGE_TYPE, MESSAGE_TYPE_BYTES } from '#core/ssm/constants.ts'

/**
 * What can go wrong on purpose. A fault of a direction lasts until its count is used up or everything is cleared; a
 * fault of a connection happens at once.
 */
const direction = z.enum(['to-agent', 'to-client', 'both']).default('both')
const duration = z.number().int().positive()
const selection = {
  direction,
  /** Which share of the messages it meets, by chance. */
  share: z.number().positive().max(1).default(1),
  /** After how many messages it is over; without it only `clear` ends it. */
  count: z.number().int().positive().optional(),
  /** Only stream data, or only acknowledgements. */
  only: z.enum(['data', 'acknowledge']).optional(),
  /** Only messages of more bytes than this, header included. */
  over: z.number().int().positive().optional(),
}

export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop'), ...selection }),
  z.strictObject({ kind: z.literal('duplicate'), ...selection }),
  /** The message changes places with the next one. */
  z.strictObject({ kind: z.literal('reorder'), ...selection }),
  /** Every message waits this long; the order is kept. */
  z.strictObject({ kind: z.literal('delay'), direction, ms: duration }),
  /** Nothing arrives, nothing is lost: what comes is held until the time is up or all is cleared. */
  z.strictObject({ kind: z.literal('stall'), direction, ms: duration.optional() }),
  /** The TCP connection of that end is gone, without a close frame. */
  z.strictObject({ kind: z.literal('cut'), end: z.enum(['client', 'agent', 'both']).default('client') }),
  /** New connections of clients are refused, until the time is up or all is cleared. */
  z.strictObject({ kind: z.literal('refuse'), ms: duration.optional() }),
  /** The client's WebSocket is closed with code 1000, again and again. */
  z.strictObject({ kind: z.literal('close-every'), ms: duration }),
  /** Whether an agent is told when its client is gone (`pause_publication`) and back. */
  z.strictObject({ kind: z.literal('publication'), tell: z.boolean() }),
  z.strictObject({ kind: z.literal('clear') }),
])

/** A fault as it is ordered, its defaults not filled in. */
export type FaultOrder = z.input<typeof faultSchema>
export type Fault = z.infer<typeof faultSchema>

type MessageFault = Extract<Fault, { kind: 'drop' | 'duplicate' | 'reorder' }>
/** A fault that meets single messages, or all of one direction. */
export type DirectedFault = Extract<Fault, { direction: unknown }>

/** What becomes of one message. */
export type Fate = 'deliver' | 'drop' | 'duplicate' | 'reorder'

/** The message faults of one direction, which decide the fate of each message. */
export class FaultPlan {
  readonly #chance: () => number
  #faults: Array<{ fault: MessageFault; left: number }> = []

  /** `chance` gives numbers in [0, 1). */
  constructor(chance: () => number) {
    this.#chance = chance
  }

  get empty(): boolean {
    return this.#faults.length === 0
  }

  add(fault: MessageFault): void {
    this.#faults.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY })
  }

  clear(): void {
    this.#faults = []
  }

  /** The fate of `frame`: that of the first fault that meets it. */
  decide(frame: Uint8Array): Fate {
    for (const entry of this.#faults) {
      if (!meets(entry.fault, frame) || this.#chance() >= entry.fault.share) continue
      entry.left--
      if (entry.left <= 0) this.#faults = this.#faults.filter((other) => other !== entry)
      return entry.fault.kind
    }
    return 'deliver'
  }
}

function meets(fault: MessageFault, frame: Uint8Array): boolean {
  if (fault.over !== undefined && frame.length <= fault.over) return false
  return fault.only === undefined || fault.only === kindOf(frame)
}

const LETTER_A = 0x61
const LETTER_C = 0x63
const LETTER_G = 0x67
const LETTER_I = 0x69
const LETTER_O = 0x6f

/** What kind of message a frame holds, by the first letters of its type: all that a relay needs to know. */
export function kindOf(frame: Uint8Array): 'data' | 'acknowledge' | 'state' | 'other' {
  // Some clients pad the type on its left.
  let at = AT_MESSAGE_TYPE
  while (frame[at] === 0 && at < AT_MESSAGE_TYPE + MESSAGE_TYPE_BYTES) at++
  const first = frame[at]
  if (first === LETTER_I || first === LETTER_O) return 'data'
  if (first !== LETTER_A) return 'other'
  const second = frame[at + 1]
  return second === LETTER_C ? 'acknowledge' : second === LETTER_G ? 'state' : 'other'
}
