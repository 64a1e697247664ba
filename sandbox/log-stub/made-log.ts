/** Logs made beforehand, as the bytes that a kubelet would send: nothing is formatted while somebody measures. */

import { type Chance, seededChance } from '#sandbox/kubernetes/log-lines.ts'

/** Where the body begins in a stamped line: behind `2026-11-23T07:32:39.663019936Z `. */
export const STAMP_WIDTH = 31

const NANOS = 1_000_000_000

/** What all logs of a stub have in common. The odd ones of their lines come once in so many, 0 for never. */
export interface LogLook {
  readonly seed: number
  readonly lines: number
  /** `json` is what a service writes, some 220 bytes; `short` is for logs that are cut at every byte. */
  readonly body: 'json' | 'short'
  /** The first line's moment in whole seconds since 1970. */
  readonly start: number
  /** Nanoseconds between two lines of one pod. */
  readonly step: number
  /** Seconds by which the node's clock is wrong. */
  readonly skew: number
  /** So many lines after one another bear one stamp. */
  readonly together: number
  /** One line in so many is stamped up to a second before its turn. */
  readonly backwards: number
  /** One line in so many is the line before once more, stamp and all. */
  readonly repeated: number
  /** One line is so many bytes long. */
  readonly giant: number
}

/** How the log of one run looks. */
export interface LogShape extends LogLook {
  readonly pod: string
  readonly run: number
}

/** The lines of one log. `starts` has one entry more than there are lines: where the next would begin. */
export interface LogText {
  readonly bytes: Buffer
  readonly starts: Float64Array
}

/** The log of one run. */
export class MadeLog {
  readonly stamped: LogText
  /** The whole second of each line's stamp, since 1970. */
  readonly seconds: Float64Array
  readonly earliest: number
  #bare: LogText | undefined

  constructor(stamped: LogText, seconds: Float64Array) {
    this.stamped = stamped
    this.seconds = seconds
    let earliest = Number.POSITIVE_INFINITY
    for (const second of seconds) if (second < earliest) earliest = second
    this.earliest = earliest
  }

  get lines(): number {
    return this.seconds.length
  }

  /** The same lines without stamps; made when first asked for. */
  get bare(): LogText {
    this.#bare ??= withoutStamps(this.stamped, this.lines)
    return this.#bare
  }

  /** The line with its stamp, without its end. */
  line(index: number): string {
    const { bytes, starts } = this.stamped
    return bytes.toString('utf8', starts[index], (starts[index + 1] as number) - 1)
  }

  /** The line that holds byte `at` of the stamped log, and how far inside it is. */
  placeOf(at: number): { readonly line: number; readonly within: number } {
    const { starts } = this.stamped
    let low = 0
    let high = this.lines
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((starts[middle] as number) <= at) low = middle
      else high = middle - 1
    }
    return { line: low, within: at - (starts[low] as number) }
  }
}

/** Makes a log; the same shape gives the same bytes. */
export function makeLog(shape: LogShape): MadeLog {
  const chance = seededChance(shape.seed)
  const moments = new Moments(shape, chance)
  const seconds = new Float64Array(shape.lines)
  const starts = new Float64Array(shape.lines + 1)
  const chunks: Buffer[] = []
  let pending = ''
  let line = ''
  let size = 0
  for (let index = 0; index < shape.lines; index++) {
    const again = index > 0 && happens(shape.repeated, chance)
    if (!again) line = `${moments.next(index)} ${bodyOf(shape, index, chance)}\n`
    seconds[index] = moments.second
    starts[index] = size
    size += Buffer.byteLength(line)
    pending += line
    if (pending.length > 1 << 20) {
      chunks.push(Buffer.from(pending))
      pending = ''
    }
  }
  chunks.push(Buffer.from(pending))
  starts[shape.lines] = size
  return new MadeLog({ bytes: Buffer.concat(chunks, size), starts }, seconds)
}

/** Makes the stamps of a log, one after another. */
class Moments {
  readonly #shape: LogShape
  readonly #chance: Chance
  #stamp = ''
  #prefix = ''
  #prefixOf = Number.NaN
  second = 0

  constructor(shape: LogShape, chance: Chance) {
    this.#shape = shape
    this.#chance = chance
  }

  next(index: number): string {
    const { start, step, skew, together, backwards } = this.#shape
    if (together > 1 && index % together !== 0 && this.#stamp !== '') return this.#stamp
    let nanos = index * step
    if (index > 0 && happens(backwards, this.#chance))
      nanos = Math.max(0, nanos - Math.floor(this.#chance() * NANOS))
    this.second = start + skew + Math.floor(nanos / NANOS)
    if (this.second !== this.#prefixOf) {
      this.#prefixOf = this.second
      this.#prefix = new Date(this.second * 1000).toISOString().slice(0, 19)
    }
    this.#stamp = `${this.#prefix}.${String(nanos % NANOS).padStart(9, '0')}Z`
    return this.#stamp
  }
}

const PATHS = ['/api/projects', '/api/users/me', '/api/workflows/run', '/healthz', '/api/events']
/** The odd line that somebody searches for. */
export const RARE = 'upstream timed out'
const ONE_IN_RARE = 1_000

/** Says whose line it is and which, so that each can be found in what a reader of logs prints. */
function bodyOf(shape: LogShape, index: number, chance: Chance): string {
  const { pod, run } = shape
  const padding = index === Math.floor(shape.lines / 2) && shape.giant > 0 ? 'x'.repeat(shape.giant) : ''
  // Some characters take several bytes, which a cut may part.
  if (shape.body === 'short') return `${pod}.${run} ${index}${index % 3 === 0 ? ' žluť 日' : ''}${padding}`
  const id = Math.floor(chance() * 2 ** 48)
    .toString(16)
    .padStart(12, '0')
  const rare = index % ONE_IN_RARE === ONE_IN_RARE / 2
  const status = rare ? 504 : 200 + Math.floor(chance() * 5)
  return (
    `{"level":${rare ? 50 : 30},"time":${(shape.start + Math.floor((index * shape.step) / NANOS)) * 1000},"pid":1,` +
    `"hostname":"${pod}","run":${run},"seq":${index},"requestId":"${id}${id}","req":{"method":"GET","url":"` +
    `${PATHS[index % PATHS.length]}"},"res":{"statusCode":${status}},"responseTime":${100 + (index % 800)},` +
    `${padding === '' ? '' : `"padding":"${padding}",`}"msg":"${rare ? RARE : 'request completed'}"}`
  )
}

function happens(oneIn: number, chance: Chance): boolean {
  return oneIn > 0 && chance() * oneIn < 1
}

function withoutStamps({ bytes, starts }: LogText, lines: number): LogText {
  const bare = Buffer.allocUnsafe(bytes.length - lines * STAMP_WIDTH)
  const places = new Float64Array(lines + 1)
  let size = 0
  for (let index = 0; index < lines; index++) {
    places[index] = size
    size += bytes.copy(bare, size, (starts[index] as number) + STAMP_WIDTH, starts[index + 1])
  }
  places[lines] = size
  return { bytes: bare, starts: places }
}
