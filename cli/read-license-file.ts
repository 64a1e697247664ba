import { open } from 'node:fs/promises'
import { messageOf, PgctlError } from '#core/errors.ts'
import { MAXIMUM_FILE_LENGTH } from '#core/license/file.ts'

/** The content of a file of the vendor. @throws PgctlError `usage` where it cannot be read or is no such file. */
export async function readLicenseFile(path: string): Promise<string> {
  const refuse = (why: string, cause?: unknown) =>
    new PgctlError('usage', `cannot read the license file ${path}`, {
      why,
      next: 'give the file as the vendor sent it: text, with one signed line for each part',
      cause,
    })
  let bytes: Buffer
  try {
    bytes = await readUpTo(path, MAXIMUM_FILE_LENGTH + 1)
  } catch (error) {
    throw refuse(messageOf(error), error)
  }
  if (bytes.length > MAXIMUM_FILE_LENGTH) throw refuse(`it is larger than ${MAXIMUM_FILE_LENGTH / 1024} KiB`)
  return bytes.toString('utf8')
}

/** No more is read than can be used, however large the file is. */
async function readUpTo(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(length)
    let at = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, at, length - at, null)
      at += bytesRead
      if (bytesRead === 0 || at === length) return buffer.subarray(0, at)
    }
  } finally {
    await file.close()
  }
}
