import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/**
 * How the answers of an operator's `pgctl` are closed to whoever reads the terminal or its record: the first for the
 * shell's public key (X25519, HKDF-SHA256, AES-256-GCM), the later ones under the secret that the first one brought.
 */

const KEY_LABEL = 'pgctl operator hello 1'
const TOKEN_LABEL = 'pgctl operator token 1'
const MAC_LABEL = 'pgctl operator word 1'
const IV_LENGTH = 12
const TAG_LENGTH = 16
const KEY_LENGTH = 32
/** What stands before the 32 bytes of an X25519 key in SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

export interface HelloKey {
  /** 32 bytes, base64url: what the hello says. */
  readonly public: string
  /** Opens the answer to it. @throws Error where it was not sealed for this key. */
  open(sealed: string): unknown
}

/** A key for one hello; the private half never leaves the process. */
export function createHelloKey(): HelloKey {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const own = rawOf(publicKey)
  return {
    public: own.toString('base64url'),
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const theirs = bytes.subarray(0, KEY_LENGTH)
      const shared = diffieHellman({ privateKey, publicKey: keyOf(theirs) })
      return decrypt(derive(shared, Buffer.concat([own, theirs]), KEY_LABEL), bytes.subarray(KEY_LENGTH))
    },
  }
}

/** Closes `content` for the shell that said hello with `key`. @throws Error where that is no key. */
export function sealForHello(key: string, content: unknown): string {
  const theirs = Buffer.from(key, 'base64url')
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  const own = rawOf(publicKey)
  const shared = diffieHellman({ privateKey, publicKey: keyOf(theirs) })
  const sealed = encrypt(derive(shared, Buffer.concat([theirs, own]), KEY_LABEL), content)
  return Buffer.concat([own, sealed]).toString('base64url')
}

/** The answer to the request `nonce`, under the secret of the hello. */
export function sealAnswer(secret: Uint8Array, nonce: string, content: unknown): string {
  return encrypt(derive(secret, nonce, TOKEN_LABEL), content).toString('base64url')
}

/** @throws Error where it is the answer to another request, or of another secret. */
export function openAnswer(secret: Uint8Array, nonce: string, sealed: string): unknown {
  return decrypt(derive(secret, nonce, TOKEN_LABEL), Buffer.from(sealed, 'base64url'))
}

/** What shows that whoever says a word is who said hello: `about` is a request with its nonce, or a count of keys. */
export function wordMac(secret: Uint8Array, kind: 'ask' | 'done', about: string | number): string {
  return createHmac('sha256', secret).update(`${MAC_LABEL}:${kind}:${about}`).digest('base64url')
}

export function isWordMac(
  secret: Uint8Array,
  kind: 'ask' | 'done',
  about: string | number,
  mac: string,
): boolean {
  const [own, theirs] = [wordMac(secret, kind, about), mac].map((text) => Buffer.from(text, 'base64url'))
  return own?.length === theirs?.length && timingSafeEqual(own as Buffer, theirs as Buffer)
}

function derive(secret: Uint8Array, salt: string | Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, label, KEY_LENGTH))
}

function encrypt(key: Uint8Array, content: unknown): Buffer {
  const iv = randomBytes(IV_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const closed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()])
  return Buffer.concat([iv, closed, cipher.getAuthTag()])
}

function decrypt(key: Uint8Array, bytes: Buffer): unknown {
  const iv = bytes.subarray(0, IV_LENGTH)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_LENGTH })
  decipher.setAuthTag(bytes.subarray(-TAG_LENGTH))
  const open = Buffer.concat([decipher.update(bytes.subarray(IV_LENGTH, -TAG_LENGTH)), decipher.final()])
  return JSON.parse(open.toString('utf8'))
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-KEY_LENGTH)
}

function keyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), type: 'spki', format: 'der' })
}
