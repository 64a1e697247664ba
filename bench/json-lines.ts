import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { textOf } from './built-cli.ts'
import { endChild } from './children.ts'

/** One line of a command's `--json` output. */
export type JsonLine = { readonly event: string } & Readonly<Record<string, unknown>>

/**
 * Resolves with the first event of that name. When the command ends without it, or the signal aborts, the command is
 * ended and this rejects.
 */
export async function eventOf(child: ChildProcess, wanted: string, signal: AbortSignal): Promise<JsonLine> {
  const complaints = textOf(child.stderr)
  const { promise, resolve, reject } = Promise.withResolvers<JsonLine>()
  let last = ''
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  lines.on('line', (line) => {
    last = line
    const event = JSON.parse(line) as JsonLine
    if (event.event === wanted) resolve(event)
  })
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  child.once('error', reject)
  child.once('close', async () =>
    reject(new Error(`pgctl ended before "${wanted}": ${(await complaints) || last}`)),
  )
  try {
    signal.throwIfAborted()
    return await promise
  } catch (error) {
    await endChild(child)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
