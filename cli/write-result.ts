import { messageOf, PgctlError } from '#core/errors.ts'
import { replaceFile } from '#core/io/replace-file.ts'

/** Writes a result to a file that a person has named. @throws PgctlError `usage` where that cannot be. */
export async function writeResult(path: string, content: string): Promise<void> {
  try {
    await replaceFile(path, content)
  } catch (error) {
    throw new PgctlError('usage', `cannot write ${path}`, {
      why: messageOf(error),
      next: 'name a file in a folder that is there and that you may write in',
      cause: error,
    })
  }
}
