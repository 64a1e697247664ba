import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type ControlPlace, requirePrivate } from './place.ts'

/** Bytes of the token and of a nonce. */
const SECRET_BYTES = 32

export function drawNonce(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** Draws the token of one supervisor's life and writes it down for its owner. */
export function writeToken({ token }: ControlPlace): string {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  writeFileSync(token, secret, { mode: 0o600 })
  requirePrivate(token, 'file')
  return secret
}

/** The token, or undefined where there is none. */
export function readToken({ token }: ControlPlace): string | undefined {
  return requirePrivate(token, 'file') ? readFileSync(token, 'utf8') : undefined
}

/** What only a side that has read the token can say about the two nonces. */
export function prove(
  token: string,
  side: 'client' | 'supervisor',
  client: string,
  supervisor: string,
): string {
  return createHmac('sha256', token).update(`${side} ${client} ${supervisor}`).digest('base64url')
}

export function isProof(expected: string, given: unknown): boolean {
  const [one, other] = [Buffer.from(expected), Buffer.from(typeof given === 'string' ? given : '')]
  return one.length === other.length && timingSafeEqual(one, other)
}
