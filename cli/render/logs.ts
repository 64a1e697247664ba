import type { LogEvent } from '#core/logs/events.ts'
import type { RunEnd } from '#core/logs/follow.ts'
import { type Stamp, secondOf } from '#core/logs/line.ts'
import type { Seam } from '#core/logs/overlap.ts'
import type { EndedRun } from '#core/logs/pod.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'

type LineEvent = Extract<LogEvent, { event: 'line' }>
type Notice = Exclude<LogEvent, { event: 'line' }>

const COLOURS = ['cyan', 'green', 'magenta', 'yellow', 'blue', 'red'] as const
/** Longer names push their line to the right and leave the others in peace. */
const NAME_WIDTH_LIMIT = 48
const NO_TIME = '-'

/**
 * Lines of logs for a person: `POD  time  text`, names in columns.
 *
 * On a terminal each pod has a colour, the time is that of the person, and what would drive the terminal is shown
 * as an escape. Elsewhere the text is as it was written and the time is the log's own stamp.
 */
export class LogLineRenderer {
  readonly #paint: Paint
  readonly #terminal: boolean
  readonly #names = new Map<string, string>()
  readonly #localSeconds = new Map<string, string>()
  #width = 0

  constructor(paint: Paint, terminal: boolean) {
    this.#paint = paint
    this.#terminal = terminal
  }

  render({ source, line, late }: LineEvent): string {
    const name = this.#nameOf(source)
    if (!this.#terminal) return `${name}  ${line.stamp ?? NO_TIME}  ${line.text}`
    const time = line.stamp === undefined ? NO_TIME : this.#localTime(line.stamp)
    return `${name}  ${this.#paint(late ? 'yellow' : 'dim', time)}  ${neutralise(line.text)}`
  }

  #nameOf(source: LogSource): string {
    const plain = sourceName(source)
    const known = this.#names.get(plain)
    if (known !== undefined) return known
    if (plain.length > this.#width && plain.length <= NAME_WIDTH_LIMIT) {
      this.#width = plain.length
      const earlier = [...this.#names.keys()]
      for (const [index, name] of earlier.entries()) this.#names.set(name, this.#paintName(name, index))
    }
    const name = this.#paintName(plain, this.#names.size)
    this.#names.set(plain, name)
    return name
  }

  #paintName(name: string, index: number): string {
    return this.#paint(COLOURS[index % COLOURS.length] as (typeof COLOURS)[number], name.padEnd(this.#width))
  }

  /** Month, day and time of day with milliseconds; one second's lines share the conversion. */
  #localTime(stamp: Stamp): string {
    const second = secondOf(stamp)
    let local = this.#localSeconds.get(second)
    if (local === undefined) {
      if (this.#localSeconds.size > 60) this.#localSeconds.clear()
      local = formatLocal(new Date(`${second}Z`))
      this.#localSeconds.set(second, local)
    }
    return `${local}.${stamp.slice(20, 23)}`
  }
}

/** The pod, and the container where the pod has others. */
export function sourceName({ pod, container, oneOfSeveral }: LogSource): string {
  return oneOfSeveral ? `${pod}/${container}` : pod
}

/** What happens to the streams, for a person; undefined for what is no news. */
export function renderLogNotice(event: Notice, paint: Paint): string | undefined {
  const text = sentence(event)
  if (text === undefined) return undefined
  const bad = event.event === 'gap' || (event.event === 'resumed' && event.seam.kind !== 'whole')
  return `${bad || isLoss(event) ? paint('yellow', '!') : paint('dim', '·')} ${neutralise(text)}`
}

function isLoss(event: Notice): boolean {
  return event.event === 'over' && event.how.kind === 'lost'
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
      return `${event.service}: has no pods`
    case 'reconnecting':
      return `${sourceName(event.source)}: ${event.why}; opening it again`
    case 'resumed':
      return `${sourceName(event.source)}: goes on, ${describeSeam(event.seam)}`
    case 'gap':
      return `${sourceName(event.source)}: ${describeSeam(event.seam)}`
    case 'over':
      return describeOver(event.source, event.how)
    case 'unwatched':
      return `cannot ask for changes of the pods (${event.why}); trying again`
  }
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

function formatLocal(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** An event as a program reads it: the fields of `docs/json-output.md`, and no others. */
export function logEventDocument(event: LogEvent): object {
  switch (event.event) {
    case 'line': {
      const { line, late } = event
      return {
        event: 'line',
        ...identity(event.source),
        time: line.stamp ?? null,
        text: line.text,
        ...(late ? { late } : {}),
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
    case 'unwatched':
      return event
  }
}

function identity({ service, pod, container }: LogSource): object {
  return { service, pod, container }
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
