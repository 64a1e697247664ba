import { randomBytes } from 'node:crypto'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { rehearse } from '#core/snapshots/io/rehearsal/rehearse.ts'
import type { RehearsalRequest } from '#core/snapshots/io/rehearsal/request.ts'
import { parseRowWish, type RehearsalReport } from '#core/snapshots/rehearsal/report.ts'

type Wishes = Omit<RehearsalRequest, 'clock' | 'path' | 'password' | 'onProgress' | 'signal'>

/** Rehearses on this computer, with a password that is drawn for it. */
export async function rehearseHere(
  wishes: Wishes,
  {
    environment,
    ...surroundings
  }: Pick<RehearsalRequest, 'onProgress' | 'signal'> & {
    readonly environment: NodeJS.ProcessEnv
  },
): Promise<RehearsalReport> {
  const password = randomBytes(24).toString('base64url')
  const path = environment['PATH'] ?? ''
  return await rehearse({ ...wishes, ...surroundings, clock: systemClock, path, password })
}

/** @throws PgctlError `usage` */
export function rowWishes(texts: readonly string[]): Map<string, number> {
  return new Map(
    texts.map((text) => {
      const wish = parseRowWish(text)
      if (wish !== undefined) return wish
      throw new PgctlError('usage', `${text} is no table with a number of rows`, {
        next: 'write it as --rows public.users=1000',
      })
    }),
  )
}
