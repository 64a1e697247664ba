import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { fromBase64url } from './base64url.ts'
import { describeFault } from './document.ts'
import { isSoundKey } from './ed25519.ts'
import { digest, envelope, keyName, moment, sequence } from './fields.ts'
import { type NamedKey, openSeal } from './seal.ts'

/**
 * Whose signatures count: a set of keys that came with the release, and newer sets that its offline root has signed.
 *
 * A key signs documents issued while it was in use. One that was stolen can backdate, so after it is revoked a document
 * counts only where it was seen here before, or where the root's list names it.
 */

/** A key that signs documents, answers and revocations. */
export interface SigningKey extends NamedKey {
  /** Documents that it signed are issued from here on… */
  readonly notBefore: Ms
  /** …and before here. */
  readonly notAfter: Ms
}

/** A key that no longer counts by itself. */
export interface RevokedKey {
  readonly kid: string
  /** From when on it may have been in other hands. */
  readonly since: Ms
  /** The digests of documents that stay good. */
  readonly kept: readonly string[]
}

/** Everything by which a document is judged, besides the document. */
export interface Trust {
  readonly roots: readonly NamedKey[]
  /** The number of the key list that `keys` and `revoked` are from. */
  readonly sequence: number
  readonly keys: readonly SigningKey[]
  readonly revoked: readonly RevokedKey[]
}

const publicKey = z.string().transform((text, context) => {
  const key = fromBase64url(text)
  if (key !== undefined && isSoundKey(key)) return key
  context.addIssue({ code: 'custom', message: 'no Ed25519 key' })
  return z.NEVER
})

const keyListSchema = z.object({
  ...envelope,
  seq: sequence,
  iss_at: moment,
  keys: z.array(z.object({ kid: keyName, key: publicKey, nbf: moment, exp: moment })).max(16),
  revoked: z.array(z.object({ kid: keyName, since: moment, keep: z.array(digest).max(200) })).max(32),
})

/** A newer trust by a root-signed list; the same one where the list is an older one, or this one. */
export function takeKeyList(
  trust: Trust,
  text: string,
): { readonly ok: true; readonly trust: Trust } | { readonly ok: false; readonly why: string } {
  const opened = openSeal(text, 'keyList', trust.roots)
  if (opened.kind !== 'genuine') return { ok: false, why: opened.why }
  const parsed = keyListSchema.safeParse(opened.payload)
  if (!parsed.success) return { ok: false, why: describeFault(parsed.error) }
  const { seq, keys, revoked } = parsed.data
  if (seq <= trust.sequence) return { ok: true, trust }
  return {
    ok: true,
    trust: {
      roots: trust.roots,
      sequence: seq,
      // A key that a list leaves out is retired, and what it signed in its time stays good to its own end.
      keys: merge(
        trust.keys,
        keys.map(({ kid, key, nbf, exp }) => ({ kid, key, notBefore: nbf, notAfter: exp })),
      ),
      // No list takes a revocation back: what was stolen stays stolen.
      revoked: merge(
        trust.revoked,
        revoked.map(({ kid, since, keep }) => ({ kid, since, kept: keep })),
      ),
    },
  }
}

function merge<Entry extends { readonly kid: string }>(
  known: readonly Entry[],
  listed: readonly Entry[],
): Entry[] {
  const names = new Set(listed.map(({ kid }) => kid))
  return [...listed, ...known.filter(({ kid }) => !names.has(kid))]
}

/** The keys that nobody else may have: only with them are answers and revocations believed. */
export function liveKeys({ keys, revoked }: Trust): SigningKey[] {
  return keys.filter(({ kid }) => !revoked.some((each) => each.kid === kid))
}

/** Keys as a release carries them. */
export interface ReleasedTrust {
  readonly roots: ReadonlyArray<{ readonly kid: string; readonly key: string }>
  readonly keys: ReadonlyArray<{
    readonly kid: string
    readonly key: string
    readonly notBefore: string
    readonly notAfter: string
  }>
}

/** The trust that a release begins with. @throws TypeError for a release with a key that is none. */
export function trustOfRelease({ roots, keys }: ReleasedTrust): Trust {
  return {
    roots: roots.map(({ kid, key }) => ({ kid, key: soundKey(kid, key) })),
    sequence: 0,
    keys: keys.map(({ kid, key, notBefore, notAfter }) => ({
      kid,
      key: soundKey(kid, key),
      notBefore: Date.parse(notBefore),
      notAfter: Date.parse(notAfter),
    })),
    revoked: [],
  }
}

function soundKey(kid: string, text: string): Uint8Array {
  const key = fromBase64url(text)
  if (key === undefined || !isSoundKey(key)) throw new TypeError(`the key ${kid} of this release is none`)
  return key
}
