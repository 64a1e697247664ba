import type { LogEvent } from '#core/logs/events.ts'
import type { RunEnd } from '#core/logs/follow.ts'
import type { Hole, LogSummary } from '#core/logs/ledger.ts'
import { textOf } from '#core/logs/line.ts'
import type { Seam } from '#core/logs/overlap.ts'
import type { EndedRun } from '#core/logs/pod.ts'
import { parseRecord } from '#core/logs/recognise.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'
import { sourceName } from './log-lines.ts'

type Notice = Exclude<LogEvent, { event: 'line' }>

/** What happens to the streams, for a person; undefined for what is no news. */
export function renderLogNotice(event: Notice, paint: Paint): string | undefined {
  const text = sentence(event)
  if (text === undefined) return undefined
  return `${isBad(event) ? paint('yellow', '!') : paint('dim', '·')} ${neutralise(text)}`
}

function isBad(event: Notice): boolean {
  switch (event.event) {
    case 'gap':
    case 'refused':
      return true
    case 'resumed':
      return event.seam.kind !== 'whole'
    case 'over':
      return event.how.kind === 'lost'
    case 'ledger':
      return event.summary.holeCount > 0
    default:
      return false
  }
}

function sentence(event: Notice): string | undefined {
  switch (event.event) {
    case 'joined':
      return `${sourceName(event.source)}: joined`
    case 'restarted':
      return `${sourceName(event.source)}: restarted (restart ${event.source.restarts})${describeExit(event.end)}`
    case 'waiting':
      return `${event.pod}: waits: ${event.why}`
    case 'left':
      return `${event.pod}: deleted`
    case 'empty':
      return `${event.service}: has no pods in namespace ${event.namespace}`
    case 'refused':
      return `namespace ${event.namespace}: left out: ${event.why}`
    case 'reconnecting':
      return `${sourceName(event.source)}: ${event.why}; opening it again`
    case 'resumed':
      return `${sourceName(event.source)}: goes on, ${describeSeam(event.seam)}`
    case 'gap':
      return `${sourceName(event.source)}: ${describeSeam(event.seam)}`
    case 'over':
      return describeOver(event.source, event.how)
    case 'followed':
      return event.followed === event.total
        ? `all ${event.total} are followed`
        : `${event.followed} of ${event.total} followed; the others wait for one that is over, as --max-streams says`
    case 'unwatched':
      return `cannot ask for changes of the pods (${event.why}); trying again`
    case 'ledger':
      return describeSummary(event.summary)
  }
}

/** Holes that the last line names; all of them were told when they were found. */
const HOLES_NAMED = 5

/** `84 streams, 1,203,441 lines, 3 reconnects, 0 lost, 0 doubled`, or where it is not whole. */
function describeSummary(summary: LogSummary): string {
  const { streams, lines, hidden, reconnects, unchecked, holes, holeCount } = summary
  const counts = [counted(streams, 'stream'), counted(lines, 'line')]
  if (hidden > 0) counts.push(`${hidden.toLocaleString('en-US')} filtered out`)
  counts.push(counted(reconnects, 'reconnect'))
  if (unchecked > 0) counts.push(`${counted(unchecked, 'end')} not checked`)
  if (holeCount === 0) return [...counts, '0 lost', '0 doubled'].join(', ')
  const named = holes.slice(0, HOLES_NAMED).map((hole) => `${sourceName(hole.source)}: ${describeHole(hole)}`)
  if (holeCount > named.length) named.push(`${holeCount - named.length} more`)
  return `${counts.join(', ')}; not whole: ${named.join('; ')}`
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

function describeHole(hole: Hole): string {
  return 'seam' in hole ? describeSeam(hole.seam) : `the rest of its log cannot be read: ${hole.why}`
}

function describeSeam(seam: Seam): string {
  switch (seam.kind) {
    case 'whole':
      return 'nothing was lost'
    case 'gap':
      return `lines between ${seam.after} and ${seam.before} were rotated away`
    case 'uncertain':
      return `lines after ${seam.after} may be missing or doubled`
  }
}

function describeOver(source: LogSource, how: RunEnd): string {
  const name = sourceName(source)
  switch (how.kind) {
    case 'whole':
      return `${name}: ended${describeExit(how.end)}`
    case 'unchecked':
      return `${name}: ended, and is gone`
    case 'lost':
      return `${name}: the rest of its log cannot be read: ${how.why}`
  }
}

function describeExit(end: EndedRun | undefined): string {
  return end === undefined ? '' : `: exit ${end.exitCode}, ${end.reason}`
}

/** An event as a program reads it: the fields of `docs/json-output.md`, and no others. */
export function logEventDocument(event: LogEvent): object {
  switch (event.event) {
    case 'line': {
      const { line, rest, late, group, context } = event
      const text = textOf(line, rest)
      return {
        event: 'line',
        ...identity(event.source),
        time: line.stamp ?? null,
        text,
        ...(late ? { late } : {}),
        ...(group === undefined ? {} : { group }),
        ...(context ? { context } : {}),
        ...recordOf(line.text),
      }
    }
    case 'joined':
      return { event: 'joined', ...identity(event.source) }
    case 'restarted':
      return {
        event: 'restarted',
        ...identity(event.source),
        restarts: event.source.restarts,
        ...exitOf(event.end),
      }
    case 'reconnecting':
      return { event: 'reconnecting', ...identity(event.source), why: event.why }
    case 'resumed':
    case 'gap':
      return { event: event.event, ...identity(event.source), ...seamOf(event.seam) }
    case 'over':
      return { event: 'over', ...identity(event.source), ...overOf(event.how) }
    case 'waiting':
    case 'left':
    case 'empty':
    case 'refused':
    case 'followed':
    case 'unwatched':
      return event
    case 'ledger':
      return { event: 'ledger', ...event.summary, holes: event.summary.holes.map(holeOf) }
  }
}

/** What the line itself says, where it is of a format that is known. */
function recordOf(text: string): object {
  const { format, level, message, fields, trace } = parseRecord(text)
  const known = level === undefined ? {} : { level }
  if (format === 'plain') return known
  const inner = { format, message, fields: Object.fromEntries(fields) }
  return { ...known, ...inner, ...(trace === undefined ? {} : { trace }) }
}

function holeOf(hole: Hole): object {
  return { ...identity(hole.source), ...('seam' in hole ? seamOf(hole.seam) : { why: hole.why }) }
}

function identity({ namespace, service, pod, container }: LogSource): object {
  return { namespace, service, pod, container }
}

function exitOf(end: EndedRun | undefined): object {
  return { exitCode: end?.exitCode ?? null, reason: end?.reason ?? null }
}

function seamOf(seam: Seam): object {
  const { kind, ...bounds } = seam
  return { seam: kind, ...bounds }
}

function overOf(how: RunEnd): object {
  switch (how.kind) {
    case 'whole':
      return { log: 'whole', ...exitOf(how.end) }
    case 'unchecked':
      return { log: 'unchecked' }
    case 'lost':
      return { log: 'lost', why: how.why }
  }
}
