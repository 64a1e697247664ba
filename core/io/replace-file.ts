import { open, rename } from 'node:fs/promises'

const FILE_MODE = 0o600

/**
 * Gives the file at `path` this content, beside its place and then renamed into it: a reader, or a crash, meets the
 * old file or the new one and nothing between. Whoever calls it holds the lock of the file.
 *
 * Only a file that has reached the disk is renamed: a power cut may otherwise leave an empty one in its place. The
 * draft's name is fixed, as the lock keeps others out: what a crash leaves behind is overwritten by the next writer.
 */
export async function replaceFile(path: string, content: string, mode = FILE_MODE): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w', mode)
  try {
    if (mode !== FILE_MODE) await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}
