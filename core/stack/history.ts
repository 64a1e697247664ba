import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { HISTORY, releaseKey } from './release.ts'
import type { StackBucket } from './stack-api.ts'
import type { Template } from './template.ts'

/** What was deployed, in order: an object for each time, beside the templates and the code. */

const entrySchema = z.object({ release: z.string(), version: z.string(), at: z.iso.datetime() })
export type HistoryEntry = z.infer<typeof entrySchema>

/** Puts a template where a later rollback finds it. */
export function keepRelease(
  bucket: StackBucket,
  release: string,
  template: Template,
  signal?: AbortSignal,
): Promise<void> {
  return bucket.put(releaseKey(release), JSON.stringify(template), signal)
}

export async function noteDeployed(
  bucket: StackBucket,
  { release, version, now }: { readonly release: string; readonly version: string; readonly now: Ms },
): Promise<void> {
  const at = new Date(now).toISOString()
  await bucket.put(`${HISTORY}${at}.json`, JSON.stringify({ release, version, at }))
}

/** What was deployed, the newest first. */
export async function readHistory(bucket: StackBucket, signal?: AbortSignal): Promise<HistoryEntry[]> {
  const keys = (await bucket.list(HISTORY, signal)).sort().reverse()
  const entries = await Promise.all(keys.map((key) => bucket.read(key, signal)))
  return entries.flatMap((text) => {
    const parsed = entrySchema.safeParse(parseJson(text))
    return parsed.success ? [parsed.data] : []
  })
}

/**
 * The entry to go back to: the one named by release or version, else the newest that is not what runs.
 * @throws PgctlError `usage` where there is none.
 */
export function rollbackTarget(
  history: readonly HistoryEntry[],
  running: string | undefined,
  wanted: string | undefined,
): HistoryEntry {
  const target = history.find(({ release, version }) =>
    wanted === undefined ? release !== running : release === wanted || version === wanted,
  )
  if (target !== undefined) return target
  const others = [...new Set(history.map(({ release }) => release))].filter((release) => release !== running)
  throw new PgctlError('usage', 'there is nothing to go back to', {
    why:
      others.length === 0
        ? 'only what runs now was ever deployed'
        : `${wanted} was never deployed; there were ${others.join(', ')}`,
    next:
      others.length === 0 ? 'deploy another version instead' : `name one of these: --rollback ${others[0]}`,
  })
}

export async function readRelease(
  bucket: StackBucket,
  { release }: HistoryEntry,
  signal?: AbortSignal,
): Promise<Template> {
  const template = parseJson(await bucket.read(releaseKey(release), signal))
  if (typeof template === 'object' && template !== null) return template as Template
  throw new PgctlError('state-invalid', `the template of ${release} cannot be read`, {
    why: 'it is no JSON object',
    next: `see who has changed ${releaseKey(release)} in the stack's bucket`,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
