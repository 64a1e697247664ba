import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bufferLogs, type Spill } from '#core/kube/log-buffer.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { parseLine } from '#core/logs/line.ts'
import { logSource } from '../../support/log-source.ts'

const SOURCE = logSource('hermes-1')
const never = new AbortController().signal
const turn = () => new Promise(setImmediate)
/** A line weighs some 200 bytes. */
const LIMITS = { memory: 600, spill: 2_000 }

function batch(count: number): LogEvent[] {
  const line = parseLine(`2026-11-23T07:00:00.000000000Z line ${count}`)
  return [{ event: 'line', source: SOURCE, line, rest: [parseLine('    at x')], late: false }]
}

const ledger = (lines: number): LogEvent => ({
  event: 'ledger',
  summary: { streams: 1, lines, hidden: 0, reconnects: 0, unchecked: 0, holeCount: 0, holes: [] },
})

function textsOf(events: readonly LogEvent[]): string[] {
  return events.map((event) => {
    if (event.event !== 'line')
      return event.event === 'ledger' ? `ledger ${event.summary.lines}` : event.event
    assert.equal(event.source, SOURCE, 'the source is the same one')
    assert.equal(event.rest.length, 1)
    return event.line.text
  })
}

/** A spill in memory, which the disk may refuse. */
function spillInMemory(isFull = false) {
  const texts: string[] = []
  let closed = false
  const spill: Spill = {
    get held() {
      return texts.join('').length
    },
    async push(text) {
      if (isFull) throw new Error('ENOSPC')
      texts.push(text)
    },
    shift: async () => texts.shift(),
    async close() {
      closed = true
    },
  }
  return { spill, texts, isClosed: () => closed }
}

/** A follow that gives `count` batches as fast as they are taken, and then ends as `end` does. */
function follow(count: number, end: (signal: AbortSignal) => Promise<void> = async () => {}) {
  const state = { given: 0 }
  async function* open(signal: AbortSignal): AsyncGenerator<readonly LogEvent[]> {
    for (; state.given < count; state.given++) yield batch(state.given)
    let failure: unknown
    await end(signal).catch((error: unknown) => {
      failure = error
    })
    yield [ledger(2 * count)]
    if (failure !== undefined) throw failure
  }
  return { state, open }
}

const all = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`)

async function collect(batches: AsyncIterable<readonly LogEvent[]>, into: string[] = []): Promise<string[]> {
  for await (const events of batches) into.push(...textsOf(events))
  return into
}

describe('bufferLogs', () => {
  it('passes on what a prompt reader takes, and needs no file', async () => {
    const { open } = follow(3)
    const opened = () => assert.fail('no file is needed')
    assert.deepEqual(await collect(bufferLogs(open, opened, never, { memory: 1e6, spill: 0 })), [
      ...all(3),
      'ledger 6',
    ])
  })

  it('takes what comes while nobody reads, first into memory, then outside, and gives it in its order', async () => {
    const { state, open } = follow(7)
    const { spill, texts, isClosed } = spillInMemory()
    const batches = bufferLogs(open, async () => spill, never, LIMITS)
    const first = await batches.next()
    for (let count = 0; count < 20; count++) await turn()
    assert.equal(state.given, 7, 'all of it was taken')
    assert.ok(texts.length > 0)
    assert.deepEqual(await collect(batches, textsOf(first.value ?? [])), [...all(7), 'ledger 14'])
    assert.ok(isClosed())
  })

  for (const [why, isFull] of [
    ['is full to its bound', false],
    ['cannot be written', true],
  ] as const)
    it(`lets the follow wait when the file ${why}, and loses nothing`, async () => {
      const { state, open } = follow(50)
      const batches = bufferLogs(open, async () => spillInMemory(isFull).spill, never, LIMITS)
      const first = await batches.next()
      for (let count = 0; count < 200; count++) await turn()
      assert.ok(state.given < 40, `${state.given} were taken`)
      assert.deepEqual(await collect(batches, textsOf(first.value ?? [])), [...all(50), 'ledger 100'])
    })

  it('gives everything that came before a failure, and then the failure', async () => {
    const { open } = follow(7, () => Promise.reject(new Error('the session has ended')))
    const shown: string[] = []
    const batches = bufferLogs(open, async () => spillInMemory().spill, never, LIMITS)
    await assert.rejects(collect(batches, shown), /the session has ended/)
    assert.deepEqual(shown, [...all(7), 'ledger 14'])
  })

  it('passes over what is spilled when the person has enough, and counts only what was given', async () => {
    const person = new AbortController()
    const untilAborted = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const { open } = follow(7, untilAborted)
    const batches = bufferLogs(open, async () => spillInMemory().spill, person.signal, LIMITS)
    const first = await batches.next()
    for (let count = 0; count < 20; count++) await turn()
    person.abort(new Error('enough'))
    const shown = textsOf(first.value ?? [])
    await assert.rejects(collect(batches, shown), /enough/)
    assert.deepEqual(shown, ['line 0', 'ledger 2'])
  })

  it('ends the follow when its reader goes away', async () => {
    const ended = Promise.withResolvers<void>()
    const { open } = follow(1, async (signal) => {
      signal.addEventListener('abort', () => ended.resolve())
      await ended.promise
    })
    const { spill } = spillInMemory()
    for await (const _ of bufferLogs(open, async () => spill, never, LIMITS)) break
    await ended.promise
  })
})
