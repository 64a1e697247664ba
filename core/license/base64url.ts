/** Base64 of RFC 4648 section 5, without padding: how signed texts write their bytes. */

export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/**
 * The bytes that `text` writes, or undefined where it is not the one way of writing them: padding, other characters,
 * or bits set behind the last byte would let one signature have many spellings.
 */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'))
  return toBase64url(bytes) === text ? bytes : undefined
}
