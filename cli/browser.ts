import { once } from 'node:events'
import { messageOf } from '#core/errors.ts'

/** Shows `url` in the person's browser. Resolves with why it could not be, once that is known; else with nothing. */
export async function showInBrowser(url: string): Promise<string | undefined> {
  const { default: open } = await import('open')
  try {
    const starter = await open(url)
    // Most starters hand the address over and end; one that stays is the browser itself, and runs.
    const [status] = starter.exitCode === null ? await once(starter, 'close') : [starter.exitCode]
    return status === 0 || status === null ? undefined : `${starter.spawnfile} ended with status ${status}`
  } catch (error) {
    return messageOf(error)
  }
}
