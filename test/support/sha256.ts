import { createHash, createHmac, type Hash, type Hmac, hash } from 'node:crypto'

type Data = string | ArrayBuffer | ArrayBufferView

const bytesOf = (data: Data) =>
  typeof data === 'string'
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      : Buffer.from(data)

/** Node's SHA-256, in the shape that the SDK's signer asks for. */
export class Sha256 {
  readonly #secret: Data | undefined
  #hash: Hash | Hmac

  constructor(secret?: Data) {
    this.#secret = secret
    this.#hash = this.#begin()
  }

  update(data: Data): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret))
  }
}

/** The digest of `bytes` in hexadecimal, as `payload` tells its own. */
export function sha256Of(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}
