import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { isLabelSelector } from '#core/kube/label-selector.ts'
import type { FollowOptions } from '#core/kube/log-follower.ts'
import type { LogWish } from '#core/kube/log-selection.ts'
import type { ContextSize } from '#core/logs/context.ts'
import { createFilter } from '#core/logs/filter.ts'
import type { Level } from '#core/logs/level.ts'
import { parseDuration } from '#core/text/duration.ts'
import type { Setting } from './config.ts'
import { readSpan, readZone, type ShownZone, type TimeFlags } from './log-span.ts'

/** The flags of `logs` that choose a part of the logs. */
export interface LogFlags extends TimeFlags {
  readonly previous: boolean
  readonly 'max-streams'?: number | undefined
  readonly since?: string | undefined
  readonly grep?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  readonly level?: Level | undefined
  readonly context?: number | undefined
  readonly before?: number | undefined
  readonly after?: number | undefined
  readonly container?: readonly string[] | undefined
  readonly 'exclude-container'?: readonly string[] | undefined
}

/** Those that choose whose logs. */
export interface SourceFlags {
  readonly selector?: string | undefined
  readonly namespace?: readonly string[] | undefined
  readonly 'all-namespaces'?: boolean | undefined
}

/**
 * Whose logs are wanted; without namespaces, in the installation's own.
 * @throws PgctlError `usage`, naming the flag.
 */
export function readSources(
  services: readonly string[],
  { selector, namespace, 'all-namespaces': all }: SourceFlags,
): Partial<LogWish> & Pick<LogWish, 'services'> {
  if (services.length === 0 && selector === undefined)
    throw new PgctlError('usage', 'the argument SERVICE is missing', {
      why: 'whose logs; several may follow, and --selector names pods by their labels',
      next: 'see its arguments, flags and examples: pgctl logs --help',
    })
  if (selector !== undefined && !isLabelSelector(selector))
    throw new PgctlError('usage', `${JSON.stringify(selector)} is no selector of labels`, {
      why: '--selector takes requirements of the cluster, with commas between them',
      next: 'write it as tier=web, env!=test, "tier in (web,worker)", canary or !canary',
    })
  if (all && namespace !== undefined)
    throw new PgctlError('usage', '--all-namespaces leaves none to be named', {
      why: `--namespace ${namespace.join(', ')} is among them`,
      next: 'leave out one of them',
    })
  const namespaces = all ? 'all' : namespace
  return { services, selector, ...(namespaces === undefined ? {} : { namespaces }) }
}

/**
 * Lines of each container that are searched for the last ones that fit: a few seconds' reading, where all of a log
 * may be many minutes'.
 */
export const SEARCHED = 10_000

/** Where and when the flags were given. */
export interface Moment {
  readonly now: Ms
  /** The zone of this computer. */
  readonly zone: string
}

export interface LogWishes {
  readonly options: FollowOptions
  readonly zone: ShownZone
}

/**
 * Which part of the logs is wanted, and in which zone times are shown. Asking for a span of time asks for all of it, unless someone has said how many
 * lines they want. With a filter that number counts the lines that fit.
 * @throws PgctlError `usage`, naming the flag, variable or file.
 */
export function readLogWishes(flags: LogFlags, tail: Setting, moment: Moment): LogWishes {
  const { follow, previous, since, from } = flags
  if (follow && previous)
    throw new PgctlError('usage', 'a run that is over cannot be followed', {
      next: 'leave out --follow, or --previous',
    })
  if (since !== undefined && from !== undefined)
    throw new PgctlError('usage', 'the logs cannot begin at two moments', {
      why: `--since ${since} names one, and --from ${from} another`,
      next: 'leave out one of them; --from takes spans of time, too',
    })
  const zone = readZone(flags, moment.zone)
  const span = readSpan(flags, zone.name, moment.now)
  const isSpan = since !== undefined || from !== undefined
  const accepts = createFilter({
    include: readPatterns('--grep', flags.grep),
    exclude: readPatterns('--exclude', flags.exclude),
    level: flags.level,
  })
  const context = readContext(flags, accepts !== undefined)
  const containers = {
    include: readPatterns('--container', flags.container),
    exclude: readPatterns('--exclude-container', flags['exclude-container']),
    level: undefined,
  }
  const wantsContainer = createFilter(containers)
  const options = {
    follow,
    previous,
    maxStreams: flags['max-streams'],
    sinceSeconds: readSince(since),
    span,
    tail: isSpan && tail.origin === 'default' ? undefined : readTail(tail),
    ...(accepts === undefined ? {} : { wanted: { accepts, context } }),
    ...(wantsContainer === undefined ? {} : { wantsContainer }),
    // A span of time bounds the search by itself.
    ...(accepts === undefined || isSpan ? {} : { searched: SEARCHED }),
  }
  return { options, zone }
}

/** How much around what is looked for is shown; undefined for nothing. */
function readContext(
  { context = 0, before = context, after = context }: LogFlags,
  isFiltered: boolean,
): ContextSize | undefined {
  if (before === 0 && after === 0) return undefined
  if (isFiltered) return { before, after }
  throw new PgctlError('usage', 'nothing is looked for that something could be shown around', {
    why: '--context, --before and --after show events around those that a filter lets pass',
    next: 'add --grep, --exclude or --level, or leave them out',
  })
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
