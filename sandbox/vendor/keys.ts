import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A key pair of the vendor, and its name. */
export interface VendorKey {
  readonly kid: string
  readonly privateKey: KeyObject
  /** The 32 bytes of the public key, in base64url. */
  readonly publicKey: string
}

export function makeVendorKey(kid: string): VendorKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { kid, privateKey, publicKey: publicKey.export({ format: 'jwk' }).x as string }
}

/** The kinds of signed texts, as `docs/vendor-api.md` has them. */
const FORMS = {
  document: ['pgl1', 'pgctl-license-v1'],
  answer: ['pga1', 'pgctl-answer-v1'],
  keyList: ['pgk1', 'pgctl-keys-v1'],
  revocation: ['pgr1', 'pgctl-revocation-v1'],
} as const

export type SealedForm = keyof typeof FORMS

/** Signs `fields` as one line. */
export function seal(form: SealedForm, key: VendorKey, fields: object): string {
  return sealBytes(form, key, Buffer.from(JSON.stringify({ v: 1, kid: key.kid, ...fields })))
}

/** Signs these very bytes; a payload that no reader should accept is made with it. */
export function sealBytes(form: SealedForm, key: VendorKey, payload: Uint8Array): string {
  const [word, context] = FORMS[form]
  const message = Buffer.concat([Buffer.from(`${context}\0${key.kid}\0`), payload])
  const signature = sign(null, message, key.privateKey)
  return [word, Buffer.from(payload).toString('base64url'), signature.toString('base64url')].join('.')
}
