import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** The digest of a file, in hexadecimal or as npm writes integrities. */
export async function digestOf(
  path: string,
  algorithm: 'sha256' | 'sha512' = 'sha256',
  encoding: 'hex' | 'base64' = 'hex',
): Promise<string> {
  const digest = createHash(algorithm)
  await pipeline(createReadStream(path), digest)
  return digest.digest(encoding)
}
