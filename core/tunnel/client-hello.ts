/**
 * The first message of a TLS client, just enough for a server to answer it (RFC 5246 7.4.1.2, RFC 6066 3).
 *
 * ```
 *   record   22 · 0x0301 · length(2) ·
 *   message    1 · length(3) · 0x0303 · random(32) · session id(1: none) ·
 *              cipher suites(2+n) · compression(1+1: none) · extensions(2+n)
 * ```
 *
 * It offers TLS 1.2 alone: a server that wants 1.3 answers with an alert, which is an answer too, and no key share
 * has to be made for a connection that ends there.
 */

const RECORD_HANDSHAKE = 0x16
const RECORD_ALERT = 0x15
const CLIENT_HELLO = 1
const TLS_1_0 = [0x03, 0x01]
const TLS_1_2 = [0x03, 0x03]
const EXTENSION_SERVER_NAME = 0
const EXTENSION_GROUPS = 10
const EXTENSION_POINT_FORMATS = 11
const EXTENSION_SIGNATURES = 13

/** ECDHE with AES-GCM or ChaCha20, by ECDSA or RSA. */
const CIPHER_SUITES = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8]
/** x25519, P-256, P-384. */
const GROUPS = [0x001d, 0x0017, 0x0018]
/** ECDSA and RSA-PSS and RSA-PKCS1, each with SHA-256 and SHA-384. */
const SIGNATURES = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501]

/** A ClientHello with `random` (32 bytes) for `serverName`; an address has no server name and is sent without. */
export function encodeClientHello(random: Uint8Array, serverName: string | undefined): Uint8Array {
  const extensions = [
    ...(serverName === undefined ? [] : extension(EXTENSION_SERVER_NAME, serverNames(serverName))),
    ...extension(EXTENSION_GROUPS, sized(2, shorts(GROUPS))),
    ...extension(EXTENSION_POINT_FORMATS, sized(1, [0])),
    ...extension(EXTENSION_SIGNATURES, sized(2, shorts(SIGNATURES))),
  ]
  const body = [
    ...TLS_1_2,
    ...random,
    ...sized(1, []),
    ...sized(2, shorts(CIPHER_SUITES)),
    ...sized(1, [0]),
    ...sized(2, extensions),
  ]
  return Uint8Array.from([RECORD_HANDSHAKE, ...TLS_1_0, ...sized(2, [CLIENT_HELLO, ...sized(3, body)])])
}

/** Whether `received` starts as a TLS record does: a handshake message, or the alert that refuses ours. */
export function isTlsAnswer(received: Uint8Array): boolean {
  const [type, major] = received
  return (type === RECORD_HANDSHAKE || type === RECORD_ALERT) && (major === undefined || major === 3)
}

function serverNames(name: string): number[] {
  const hostName = 0
  return sized(2, [hostName, ...sized(2, [...new TextEncoder().encode(name)])])
}

function extension(type: number, data: readonly number[]): number[] {
  return [...shorts([type]), ...sized(2, data)]
}

/** `content` behind its own length in `width` bytes, big-endian. */
function sized(width: 1 | 2 | 3, content: readonly number[]): number[] {
  const length = Array.from(
    { length: width },
    (_, index) => (content.length >>> (8 * (width - 1 - index))) & 0xff,
  )
  return [...length, ...content]
}

function shorts(values: readonly number[]): number[] {
  return values.flatMap((value) => [value >>> 8, value & 0xff])
}
