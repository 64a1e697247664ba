import { PgctlError } from '#core/errors.ts'
import type { FollowOptions } from '#core/kube/log-follower.ts'
import { createFilter } from '#core/logs/filter.ts'
import type { Level } from '#core/logs/level.ts'
import { parseDuration } from '#core/text/duration.ts'
import type { Setting } from './config.ts'

/** The flags of `logs` that choose a part of the logs. */
export interface LogFlags {
  readonly follow: boolean
  readonly previous: boolean
  readonly since?: string | undefined
  readonly grep?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  readonly level?: Level | undefined
}

/**
 * Lines of each container that are searched for the last ones that fit: a few seconds' reading, where all of a log
 * may be many minutes'.
 */
export const SEARCHED = 10_000

/**
 * Which part of the logs is wanted. Asking for a span of time asks for all of it, unless someone has said how many
 * lines they want. With a filter that number counts the lines that fit.
 * @throws PgctlError `usage`, naming the flag, variable or file.
 */
export function readLogWishes(flags: LogFlags, tail: Setting): FollowOptions {
  const { follow, previous, since } = flags
  if (follow && previous)
    throw new PgctlError('usage', 'a run that is over cannot be followed', {
      next: 'leave out --follow, or --previous',
    })
  const wholeSpan = since !== undefined && tail.origin === 'default'
  const accepts = createFilter({
    include: readPatterns('--grep', flags.grep),
    exclude: readPatterns('--exclude', flags.exclude),
    level: flags.level,
  })
  return {
    follow,
    previous,
    sinceSeconds: readSince(since),
    tail: wholeSpan ? undefined : readTail(tail),
    ...(accepts === undefined ? {} : { accepts }),
    // A span of time bounds the search by itself.
    ...(accepts === undefined || since !== undefined ? {} : { searched: SEARCHED }),
  }
}

function readPatterns(flag: string, texts: readonly string[] = []): RegExp[] {
  return texts.map((text) => {
    try {
      // Of an event of several lines, each has a beginning and an end.
      return new RegExp(text, 'um')
    } catch (cause) {
      throw new PgctlError('usage', `${JSON.stringify(text)} is no regular expression`, {
        why: `${flag} takes one; ${(cause as Error).message.split(': ').at(-1)}`,
        next: 'escape what is meant literally with a backslash: ( [ { . * + ? ^ $ | \\',
        cause,
      })
    }
  })
}

function readSince(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const span = parseDuration(text)
  if (span !== undefined) return span / 1_000
  throw new PgctlError('usage', `${JSON.stringify(text)} is no span of time`, {
    why: '--since takes a number with a unit, or several',
    next: 'write it as 90s, 10m, 1h30m or 2d',
  })
}

function readTail({ value, from }: Setting): number | undefined {
  if (value === undefined || value === 'all') return undefined
  if (/^\d{1,7}$/.test(value)) return Number(value)
  throw new PgctlError('usage', `${JSON.stringify(value)} is no number of lines`, {
    why: `${from ?? 'the default'} says how many past lines are shown`,
    next: 'give a number, or: all',
  })
}
