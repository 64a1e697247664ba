import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AuditEvent } from '#core/audit/event-grouper.ts'
import { AuditLogReader } from '#core/audit/io/log-reader.ts'
import { AuditStream } from '#core/audit/io/stream.ts'
import type { Place } from '#core/audit/places.ts'
import { acceptedEvents } from '#sandbox/aws/services/log-batch.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { execEvent, type MadeEvent, userEvent } from './log-lines.ts'

/**
 * A log that is written and rotated while it is carried away, by a stream that crashes wherever it can: every event is
 * there in the end, whole and in order, every request is one that the service takes, and without a crash nothing comes
 * twice. The files are real ones.
 */

const START = Date.UTC(2026, 10, 23, 9)

class Crash extends Error {}

/** Where the next runs of the stream end, if they come so far. */
type CrashPoint = 'before' | 'unanswered' | 'unremembered'

const madeLog = fc
  .array(
    fc.record({
      kind: fc.constantFrom('exec', 'open', 'user'),
      later: fc.integer({ min: 0, max: 2_000 }),
      /** How many lines of what comes next stand in between its own. */
      spread: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map((shapes) => {
    let time = START
    const events = shapes.map(({ kind, later, spread }, serial) => {
      time += later
      const text = `${Math.floor(time / 1_000)}.${String(time % 1_000).padStart(3, '0')}`
      const made = kind === 'user' ? userEvent(text, serial) : execEvent(text, serial, 'ls', kind === 'exec')
      return { made, spread }
    })
    return { events: events.map(({ made }) => made), lines: interleaved(events) }
  })

/** The lines of each event in their order, some of them behind lines of later events. */
function interleaved(events: readonly { made: MadeEvent; spread: number }[]): string[] {
  const placed = events.flatMap(({ made, spread }, index) =>
    made.lines.map((line, at) => ({ line, rank: index + (at * spread) / 4, index })),
  )
  return placed.sort((one, other) => one.rank - other.rank || one.index - other.index).map(({ line }) => line)
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 900 }) }) },
  { weight: 2, arbitrary: fc.constant('rotate' as const) },
  { weight: 6, arbitrary: fc.constant('carry' as const) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<CrashPoint>('before', 'unanswered', 'unremembered')
      .map((crash) => ({ crash })),
  },
)

class Scene implements AsyncDisposable {
  readonly clock = new ManualClock(START)
  readonly carried: AuditEvent[] = []
  readonly said: string[] = []
  crashes = 0
  #crash: CrashPoint | undefined
  #place: Place | undefined
  #reader: AuditLogReader | undefined
  #stream: AuditStream | undefined
  readonly #folder: string
  readonly #log: string

  constructor(folder: string) {
    this.#folder = folder
    this.#log = join(folder, 'audit.log')
  }

  static async open(): Promise<Scene> {
    return new Scene(await mkdtemp(join(tmpdir(), 'pgctl-audit-')))
  }

  write(bytes: Uint8Array): Promise<void> {
    return appendFile(this.#log, bytes)
  }

  /** As the daemon does it. */
  async rotate(): Promise<void> {
    for (let number = 30; number > 0; number -= 1) {
      const from = number === 1 ? this.#log : `${this.#log}.${number - 1}`
      await rename(from, `${this.#log}.${number}`).catch(() => undefined)
    }
    await appendFile(this.#log, '')
  }

  crashAt(point: CrashPoint): void {
    this.#crash = point
  }

  async carry(last = false): Promise<void> {
    this.#stream ??= this.#start()
    try {
      await this.#stream.carry(new AbortController().signal)
      if (last) {
        this.clock.advance(2_000)
        await this.#stream.carry(new AbortController().signal)
      }
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      this.crashes += 1
      this.#stream = undefined
      await this.#reader?.[Symbol.asyncDispose]()
      if (last) await this.carry(last)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }

  #start(): AuditStream {
    this.#reader = new AuditLogReader(this.#log, this.#place, (trouble) => this.said.push(trouble))
    return new AuditStream({
      ...{ reader: this.#reader, clock: this.clock, chance: () => 0, say: (text) => this.said.push(text) },
      sink: {
        put: async (events) => {
          this.#crashIf('before')
          const inputs = events.map(({ at, message }) => ({ timestamp: at, message }))
          const { accepted, rejected } = acceptedEvents(inputs, this.clock.now().wall)
          assert.deepEqual([accepted.length, rejected], [events.length, undefined])
          this.carried.push(...events)
          this.#crashIf('unanswered')
          return { tooOld: 0, tooNew: 0 }
        },
      },
      remember: async (place) => {
        this.#crashIf('unremembered')
        this.#place = place
      },
      tell: async () => {},
    })
  }

  #crashIf(point: CrashPoint): void {
    if (this.#crash !== point) return
    this.#crash = undefined
    throw new Crash(point)
  }
}

describe('the audit log, carried away', () => {
  it('is all there, whole and in order, however it is cut, rotated and crashed over (property)', async () => {
    await fc.assert(
      fc.asyncProperty(madeLog, fc.array(step, { maxLength: 40 }), async ({ events, lines }, steps) => {
        await using scene = await Scene.open()
        let left = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const write = async (size: number) => {
          await scene.write(left.subarray(0, size))
          left = left.subarray(size)
        }
        /** The daemon renames a file between two lines. */
        const toLineEnd = async () => {
          if (left.length > 0) await write(left.indexOf('\n') + 1)
        }
        for (const each of steps)
          if (each === 'carry') await scene.carry()
          else if (each === 'rotate') {
            await toLineEnd()
            await scene.rotate()
          } else if ('write' in each) await write(each.write)
          else scene.crashAt(each.crash)
        await write(left.length)
        await scene.carry(true)
        check(events, scene)
      }),
      { numRuns: 120 },
    )
  })
})

function check(events: readonly MadeEvent[], { carried, crashes, said }: Scene): void {
  assert.deepEqual(said, [])
  const messages = carried.map(({ message }) => message)
  const firsts = events.map(({ lines }) => messages.indexOf(lines.join('\n')))
  assert.ok(!firsts.includes(-1), `not there, or not whole: ${firsts}`)
  assert.deepEqual(
    firsts,
    firsts.toSorted((one, other) => one - other),
  )
  // What a crash makes come again is whole as well.
  const known = new Set(events.map(({ lines }) => lines.join('\n')))
  assert.ok(messages.every((message) => known.has(message)))
  if (crashes === 0) assert.equal(messages.length, events.length)
  for (const [at, { time }] of events.entries())
    assert.equal(carried[firsts[at] as number]?.at, Math.round(Number(time) * 1_000))
}
