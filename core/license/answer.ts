import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { describeFault } from './document.ts'
import { envelope, licenseId, moment } from './fields.ts'
import { openSeal, SEALS } from './seal.ts'
import { liveKeys, type Trust } from './trust.ts'

/** What the vendor signed in answer to one request. Whatever is not there has not changed. */
export interface Answer {
  readonly time: Ms
  /** A license document, to be judged like any other. */
  readonly document: string | undefined
  readonly revocation: string | undefined
  /** What was asked for with a billing request; read by core/billing. */
  readonly billing: unknown
}

/** How far the vendor's time may be from that of the request. */
export const ANSWER_WINDOW: Ms = 10 * 60_000

/** What was asked, and when. */
export interface Question {
  readonly nonce: string
  readonly license: string
  /** The own clock when the request was made. */
  readonly askedAt: Ms
}

export type AnswerReading =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Genuine, and of a time that this computer's clock does not agree with. */
  | { readonly kind: 'other-time'; readonly time: Ms }
  /** Anything else: no answer at all, as if nobody had replied. */
  | { readonly kind: 'none'; readonly why: string }

const answerSchema = z.object({
  ...envelope,
  nonce: z.string(),
  lic: licenseId,
  time: moment,
  document: z.string().max(SEALS.document.limit).optional(),
  revocation: z.string().max(SEALS.revocation.limit).optional(),
  billing: z.unknown().optional(),
})

/** Reads an answer to this question and no other: a recorded one has another nonce. */
export function readAnswer(text: string, trust: Trust, question: Question): AnswerReading {
  const opened = openSeal(text, 'answer', liveKeys(trust))
  if (opened.kind !== 'genuine') return { kind: 'none', why: opened.why }
  const parsed = answerSchema.safeParse(opened.payload)
  if (!parsed.success) return { kind: 'none', why: describeFault(parsed.error) }
  const { nonce, lic, time, document, revocation, billing } = parsed.data
  if (nonce !== question.nonce || lic !== question.license)
    return { kind: 'none', why: 'it answers another request' }
  if (time < opened.key.notBefore || time >= opened.key.notAfter)
    return { kind: 'none', why: `the key ${opened.key.kid} is not in use at its time` }
  if (Math.abs(time - question.askedAt) > ANSWER_WINDOW) return { kind: 'other-time', time }
  return { kind: 'answered', answer: { time, document, revocation, billing } }
}
