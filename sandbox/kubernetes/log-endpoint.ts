/** `GET …/pods/NAME/log`, with the API server's checks and the kubelet's reading. */

import type { ServerResponse } from 'node:http'
import type { Ms } from '#core/clock.ts'
import type { LineSplit } from './faults.ts'
import { formatStamp, type LogLine, type RunLog, stampOf } from './log-store.ts'
import type { ContainerRun, Pod } from './pods.ts'
import { isTrue } from './request-info.ts'
import { badRequest, invalidLogOption } from './status.ts'

export interface LogOptions {
  readonly container: string
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  readonly limitBytes: number | undefined
  /** Lines before it are left out. */
  readonly since: bigint | undefined
  /** How long lines come; whole if undefined. */
  readonly split?: LineSplit | undefined
}

/** Reads the query of a log request. Throws the 400 or 422 that the API server gives. */
export function logOptionsOf(query: URLSearchParams, pod: Pod, now: Ms): LogOptions {
  const container = query.get('container') || pod.container
  if (container !== pod.container && !pod.others.some(({ name }) => name === container))
    throw badRequest(`container ${container} is not valid for pod ${pod.name}`)
  const tailLines = integer(query, 'tailLines')
  const limitBytes = integer(query, 'limitBytes')
  const sinceSeconds = integer(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime') || undefined
  const refuse = (field: string, why: string) => invalidLogOption(pod.name, field, why)
  if (tailLines !== undefined && tailLines < 0)
    throw refuse('tailLines', `Invalid value: ${tailLines}: must be greater than or equal to 0`)
  if (limitBytes !== undefined && limitBytes < 1)
    throw refuse('limitBytes', `Invalid value: ${limitBytes}: must be greater than 0`)
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    throw refuse('', 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified')
  if (sinceSeconds !== undefined && sinceSeconds < 1)
    throw refuse('sinceSeconds', `Invalid value: ${sinceSeconds}: must be greater than 0`)
  return {
    container,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines,
    limitBytes,
    since: sinceTime === undefined ? secondsAgo(sinceSeconds, now) : wholeSecondsOf(sinceTime),
  }
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[+-]?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`)
  return Number(text)
}

function secondsAgo(seconds: number | undefined, now: Ms): bigint | undefined {
  return seconds === undefined ? undefined : stampOf(now - seconds * 1000)
}

/** The API server hands the kubelet whole seconds, so a fraction is lost and earlier lines of that second come too. */
function wholeSecondsOf(time: string): bigint {
  const valid = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time)
  const wall = valid ? Date.parse(time) : Number.NaN
  if (Number.isNaN(wall))
    throw badRequest(
      `parsing time "${time}" as "2006-01-02T15:04:05Z07:00": cannot parse "${time}" as "2006"`,
    )
  return stampOf(Math.floor(wall / 1000) * 1000)
}

/** The run whose log is asked for. Throws the kubelet's 400 where there is none. */
export function runOf(pod: Pod, options: Pick<LogOptions, 'container' | 'previous'>): ContainerRun {
  const refuse = (what: string) => badRequest(`container "${options.container}" in pod "${pod.name}" ${what}`)
  const other = pod.others.find(({ name }) => name === options.container)
  if (other !== undefined && !options.previous) return other.run
  if (options.previous) {
    const last = pod.waiting === undefined ? pod.previous : (pod.run ?? pod.previous)
    if (last === undefined || last.isLost || other !== undefined)
      throw badRequest(`previous terminated container "${options.container}" in pod "${pod.name}" not found`)
    return last
  }
  if (pod.run !== undefined) return pod.run
  switch (pod.waiting) {
    case undefined:
      throw refuse('is waiting to start - no logs yet')
    case 'ErrImagePull':
      throw refuse("is waiting to start: image can't be pulled")
    case 'ImagePullBackOff':
      throw refuse('is waiting to start: trying and failing to pull image')
    default:
      throw refuse(`is waiting to start: ${pod.waiting}`)
  }
}

/** Where the last records of a log begin: a line, and how many of its pieces come before. */
function tailOf(
  log: RunLog,
  { tailLines = 0, split }: LogOptions,
): { readonly line: number; readonly piece?: number } {
  if (split === undefined || tailLines === 0) return { line: Math.max(log.first, log.end - tailLines) }
  let left = tailLines
  const lines = log.read(log.first, Number.POSITIVE_INFINITY)
  for (let at = lines.length - 1; at >= 0; at--) {
    const pieces = Math.max(1, Math.ceil(Buffer.byteLength(lines[at]?.text ?? '') / split.at))
    if (pieces >= left) return { line: log.first + at, piece: pieces - left }
    left -= pieces
  }
  return { line: log.first }
}

const LINES_A_WRITE = 256

/** A log on its way to a client, which faults can interrupt. */
export class LogStream {
  readonly pod: string
  readonly #log: RunLog
  readonly #options: LogOptions
  readonly #response: ServerResponse
  #next: number
  /** Pieces of the next line that come before what is asked for. */
  #piece: number
  #bytesLeft: number
  #mode: 'flowing' | 'stalled' | 'cut-next' | 'over' = 'flowing'
  #blocked = false

  /** Starts to answer at once; `closed` is called once, when the connection or the answer has ended. */
  constructor(
    pod: string,
    log: RunLog,
    options: LogOptions,
    response: ServerResponse,
    closed: (stream: LogStream) => void,
  ) {
    this.pod = pod
    this.#log = log
    this.#options = options
    this.#response = response
    const start = options.tailLines === undefined ? { line: log.first } : tailOf(log, options)
    this.#next = start.line
    this.#piece = start.piece ?? 0
    this.#bytesLeft = options.limitBytes ?? Number.POSITIVE_INFINITY
    const unsubscribe = log.onChange(() => this.#pump())
    response.once('close', () => {
      this.#mode = 'over'
      unsubscribe()
      closed(this)
    })
    response.on('drain', () => {
      this.#blocked = false
      this.#pump()
    })
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' })
    response.flushHeaders()
    this.#pump()
  }

  get follows(): boolean {
    return this.#options.follow
  }

  /** Ends the answer properly, although the container still runs: as API servers do after hours. */
  end(): void {
    this.#mode = 'over'
    this.#response.end()
  }

  /** Stays open and says nothing any more. */
  stall(): void {
    this.#mode = 'stalled'
  }

  /** Breaks the connection in the middle of the next line. */
  cutInNextLine(): void {
    this.#mode = 'cut-next'
    this.#pump()
  }

  #pump(): void {
    while (!this.#blocked && (this.#mode === 'flowing' || this.#mode === 'cut-next')) {
      const from = Math.max(this.#next, this.#log.first)
      const lines = this.#log.read(from, LINES_A_WRITE)
      if (lines.length === 0) break
      this.#next = from + lines.length
      this.#send(Buffer.concat(lines.map((line) => this.#format(line))))
    }
    const complete = this.#next >= this.#log.end && (!this.#options.follow || this.#log.ended)
    if (complete && this.#mode === 'flowing' && !this.#blocked) this.end()
  }

  /** A kubelet reads records: a piece that is too old is left out, and one in the middle of a line may have no stamp. */
  #format({ stamp, text }: LogLine): Buffer {
    const { since, timestamps, split } = this.#options
    const bytes = Buffer.from(text)
    const size = split?.at ?? Math.max(1, bytes.length)
    const parts: Buffer[] = []
    let isNew = true
    for (let from = this.#piece * size; from === 0 || from < bytes.length; from += size) {
      const written = stamp + BigInt(from)
      if (since === undefined || written >= since) {
        const hasStamp = timestamps && (isNew || split?.stamps === 'each')
        parts.push(Buffer.from(hasStamp ? `${formatStamp(written)} ` : ''), bytes.subarray(from, from + size))
        if (from + size >= bytes.length) parts.push(Buffer.from('\n'))
      }
      isNew = false
    }
    this.#piece = 0
    return Buffer.concat(parts)
  }

  #send(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#mode === 'cut-next') {
      this.#cut(bytes)
      return
    }
    const piece = bytes.subarray(0, Math.min(bytes.length, this.#bytesLeft))
    this.#bytesLeft -= piece.length
    this.#blocked = !this.#response.write(piece)
    if (this.#bytesLeft === 0) this.end()
  }

  #cut(bytes: Buffer): void {
    this.#mode = 'over'
    const middle = Math.ceil(bytes.indexOf('\n') / 2)
    this.#response.write(bytes.subarray(0, middle), () => this.#response.destroy())
  }
}
