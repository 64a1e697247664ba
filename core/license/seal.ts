import { hash } from 'node:crypto'
import { fromBase64url } from './base64url.ts'
import { isSignedBy, SIGNATURE_BYTES } from './ed25519.ts'
import { parseStrictJson } from './strict-json.ts'

/*
 *     pgl1 . base64url(payload) . base64url(signature)          one line
 *
 *     signature = Ed25519( context 00 kid 00 payload )          over the payload's bytes as they were sent
 *
 * The first word fixes form, context and algorithm, so there is no header to be lied in. Whatever is read was verified
 * before: keys are tried one after the other, and only then is the payload parsed and its `kid` compared.
 */

/**
 * What is signed: the word in front, the context that keeps one kind's signature from fitting another's, and the most
 * characters of the whole.
 */
export const SEALS = {
  /** A license. */
  document: { word: 'pgl1', context: 'pgctl-license-v1', noun: 'a license document', limit: 16_384 },
  /** What the vendor answered to one request. */
  answer: { word: 'pga1', context: 'pgctl-answer-v1', noun: 'an answer of the vendor', limit: 65_536 },
  /** The vendor's keys, by its offline root. */
  keyList: { word: 'pgk1', context: 'pgctl-keys-v1', noun: 'a list of keys', limit: 16_384 },
  /** The end of a license before its date, with notice. */
  revocation: { word: 'pgr1', context: 'pgctl-revocation-v1', noun: 'a revocation', limit: 16_384 },
} as const

export type SealKind = keyof typeof SEALS

/** Fields that a reader must know, beyond those that it may pass over: there are none yet. */
const KNOWN_CRITICAL: readonly string[] = []

/** A key and its name. */
export interface NamedKey {
  readonly kid: string
  /** 32 bytes. */
  readonly key: Uint8Array
}

/** A payload that a key has signed, or why there is none. */
export type Opened<Key extends NamedKey = NamedKey> =
  | { readonly kind: 'genuine'; readonly payload: Readonly<Record<string, unknown>>; readonly key: Key }
  /** Well formed, and signed by none of the keys: altered, or by a key that is not known here. */
  | { readonly kind: 'tampered'; readonly why: string }
  /** Not in the form, or genuine and in words that this version does not know. */
  | { readonly kind: 'unreadable'; readonly why: string }

/** Verifies `text` with the keys, without a clock, and parses what they have signed. */
export function openSeal<Key extends NamedKey>(
  text: string,
  kind: SealKind,
  keys: readonly Key[],
): Opened<Key> {
  const parts = split(text, kind)
  if ('why' in parts) return { kind: 'unreadable', why: parts.why }
  const { payload, signature } = parts
  const key = keys.find(({ kid, key }) => isSignedBy(key, signedMessage(kind, kid, payload), signature))
  if (key === undefined) return { kind: 'tampered', why: 'none of the known keys has signed it' }
  const parsed = parseStrictJson(payload)
  if (!parsed.ok) return { kind: 'unreadable', why: parsed.why }
  if (!isObject(parsed.value)) return { kind: 'unreadable', why: 'it holds no fields' }
  const { kid, v, crit = [] } = parsed.value
  if (kid !== key.kid)
    return {
      kind: 'unreadable',
      why: `it names the key ${JSON.stringify(kid)}, and ${key.kid} has signed it`,
    }
  if (v !== 1)
    return { kind: 'unreadable', why: `its version is ${JSON.stringify(v)}, and this pgctl knows 1` }
  const unknown = Array.isArray(crit)
    ? crit.filter((name) => !KNOWN_CRITICAL.includes(name as string))
    : [crit]
  if (unknown.length > 0)
    return { kind: 'unreadable', why: `it must not be read without knowing ${JSON.stringify(unknown)}` }
  return { kind: 'genuine', payload: parsed.value, key }
}

/** What a key signs. */
export function signedMessage(kind: SealKind, kid: string, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${SEALS[kind].context}\0${kid}\0`), payload])
}

/** The digest by which a successor and a list name a signed text: base64url of its SHA-256. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'base64url')
}

function split(
  text: string,
  kind: SealKind,
): { readonly payload: Uint8Array; readonly signature: Uint8Array } | { readonly why: string } {
  const { word, noun, limit } = SEALS[kind]
  if (text.length > limit) return { why: `it is longer than ${limit} characters` }
  const [first, ...rest] = text.split('.')
  if (first !== word) return { why: `it does not begin with "${word}.", as ${noun} does` }
  if (rest.length !== 2) return { why: `it has ${rest.length + 1} parts instead of 3` }
  const [payload, signature] = rest.map(fromBase64url)
  if (payload === undefined || signature === undefined)
    return { why: 'it is not written in base64url, or in more than one way' }
  if (signature.length !== SIGNATURE_BYTES)
    return { why: `its signature has ${signature.length} bytes instead of ${SIGNATURE_BYTES}` }
  return { payload, signature }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Which kind of signed text this is by its first word; undefined for any other text. */
export function kindOf(text: string): SealKind | undefined {
  const word = text.slice(0, text.indexOf('.'))
  return (Object.keys(SEALS) as SealKind[]).find((kind) => SEALS[kind].word === word)
}
