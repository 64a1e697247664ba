import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { readArguments, readFault } from '#sandbox/log-stub/arguments.ts'
import { LogReading, type ReadingOptions, RunFile } from '#sandbox/log-stub/log-reading.ts'
import { type LogShape, makeLog, STAMP_WIDTH } from '#sandbox/log-stub/made-log.ts'
import { DEFAULT_PLAN, planOf, type StreamFault } from '#sandbox/log-stub/plan.ts'
import { expectedLines, scoreOf } from '#sandbox/log-stub/score.ts'

const SHAPE: LogShape = {
  ...{ seed: 1, pod: 'api-0', run: 0, lines: 50, body: 'short', start: 1_795_424_400 },
  ...{ step: 250_000_000, skew: 0, together: 1, backwards: 0, repeated: 0, giant: 0 },
}
const ALL: ReadingOptions = {
  follow: false,
  timestamps: true,
  tailLines: undefined,
  sinceSecond: undefined,
}

function readAll(file: RunFile, options: Partial<ReadingOptions> = {}, piece = 1_000): string {
  const reading = new LogReading(file, { ...ALL, ...options })
  let text = ''
  for (;;) {
    const turn = reading.next(piece)
    if (typeof turn === 'string') return `${text}<${turn}>`
    text += Buffer.from(turn).toString('latin1')
  }
}

describe('makeLog', () => {
  it('makes the same bytes of the same shape, and others of another seed', () => {
    const json = { ...SHAPE, body: 'json' } as const
    assert.deepEqual(makeLog(json).stamped.bytes, makeLog(json).stamped.bytes)
    assert.notDeepEqual(makeLog(json).stamped.bytes, makeLog({ ...json, seed: 2 }).stamped.bytes)
  })

  it('knows where each line begins, with its stamp and without', () => {
    const log = makeLog({ ...SHAPE, repeated: 4, backwards: 3, together: 2 })
    const lines = log.stamped.bytes.toString().trimEnd().split('\n')
    assert.equal(lines.length, log.lines)
    for (const [index, line] of lines.entries()) {
      assert.equal(log.line(index), line)
      assert.equal(log.seconds[index], Math.floor(Date.parse(line.slice(0, 23).concat('Z')) / 1000))
    }
    assert.equal(log.bare.bytes.toString(), lines.map((line) => `${line.slice(STAMP_WIDTH)}\n`).join(''))
    for (let at = 0; at < log.stamped.bytes.length; at++) {
      const { line, within } = log.placeOf(at)
      assert.equal((log.stamped.starts[line] as number) + within, at)
      assert.ok(at < (log.stamped.starts[line + 1] as number))
    }
  })
})

describe('LogReading', () => {
  const log = makeLog(SHAPE)
  const whole = log.stamped.bytes.toString('latin1')
  const second = log.seconds[20] as number

  it('gives the same bytes in whatever pieces', () => {
    for (const piece of [1, 7, 51, 1_000, 1_000_000])
      assert.equal(readAll(new RunFile(log, 50, []), {}, piece), `${whole}<end>`)
  })

  it('leaves out what is older, and all but the tail', () => {
    const lines = Array.from({ length: 50 }, (_, index) => index)
    const from = lines.filter((index) => (log.seconds[index] as number) >= second)
    const text = (numbers: number[]) => numbers.map((index) => `${log.line(index)}\n`).join('')
    const read = (options: Partial<ReadingOptions>) =>
      Buffer.from(readAll(new RunFile(log, 50, []), options, 11), 'latin1').toString()
    assert.equal(read({ sinceSecond: second }), `${text(from)}<end>`)
    assert.equal(read({ tailLines: 3 }), `${text(lines.slice(-3))}<end>`)
    assert.equal(read({ tailLines: 0 }), '<end>')
  })

  it('waits for what is not written, and ends with its run', () => {
    const file = new RunFile(log, 10, [])
    const reading = new LogReading(file, { ...ALL, follow: true })
    const first = reading.next(1_000_000)
    assert.ok(typeof first !== 'string')
    assert.equal(reading.next(10), 'wait')
    let told = 0
    reading.onChange(() => {
      told += 1
    })
    file.write(50)
    const rest = reading.next(1_000_000)
    assert.ok(typeof rest !== 'string')
    assert.equal(Buffer.concat([first, rest]).toString('latin1'), whole)
    assert.equal(reading.next(10), 'wait')
    file.end()
    assert.equal(reading.next(10), 'end')
    assert.equal(told, 2)
  })

  it('is stopped once at every byte, and then no more', () => {
    for (let at = 0; at <= whole.length; at++) {
      const fault: StreamFault = { kind: 'reset', run: 0, at }
      const file = new RunFile(log, 50, [fault])
      assert.equal(readAll(file, {}, 333), `${whole.slice(0, at)}<reset>`)
      assert.equal(readAll(file), `${whole}<end>`)
    }
  })

  it('is stopped without stamps where it would be with them, or before the line', () => {
    const { line, within } = log.placeOf(777)
    const bare = log.bare.bytes.toString('latin1')
    const start = log.bare.starts[line] as number
    const got = readAll(new RunFile(log, 50, [{ kind: 'fin', run: 0, at: 777 }]), { timestamps: false })
    assert.equal(got, `${bare.slice(0, start + Math.max(0, within - STAMP_WIDTH))}<fin>`)
  })

  it('is rotated under a follow only: then the file begins with the next line', () => {
    const at = log.stamped.starts[30] as number
    const file = new RunFile(log, 50, [{ kind: 'rotate', run: 0, at }])
    assert.equal(readAll(file), `${whole}<end>`)
    assert.equal(readAll(file, { follow: true }), `${whole.slice(0, at)}<rotate>`)
    assert.equal(readAll(file), `${whole.slice(at)}<end>`)
  })
})

describe('scoreOf', () => {
  const expected = expectedLines(planOf({ ...DEFAULT_PLAN, start: 0, lines: 40, pods: 2, body: 'short' }))
  const sorted = expected.toSorted((one, other) => (one.stamp < other.stamp ? -1 : 1))
  const texts = sorted.map(({ text }) => text)
  const counts = (printed: readonly string[]) => {
    const { lost, doubled, fragments, disordered, late } = scoreOf(expected, printed)
    return [lost, doubled, fragments, disordered, late]
  }

  it('has nothing to say of all lines in order', () => assert.deepEqual(counts(texts), [0, 0, 0, 0, 0]))
  it('counts what is missing', () => assert.deepEqual(counts(texts.slice(3)), [3, 0, 0, 0, 0]))
  it('counts what comes twice', () => assert.deepEqual(counts([...texts, texts[0] ?? '']), [0, 1, 0, 0, 0]))
  it('counts pieces', () => assert.deepEqual(counts([...texts.slice(1), 'api-0.0 ']), [1, 0, 1, 0, 0]))
  it('counts what is late within a pod, and among pods', () => {
    const [first = '', ...others] = texts
    assert.deepEqual(counts([...others, first]), [0, 0, 0, 1, 0])
    // Each pod in its own order, one after the other.
    assert.deepEqual(counts(expected.map(({ text }) => text)), [0, 0, 0, 0, 19])
  })
})

describe('the words of logs-stub', () => {
  const serve = (...argv: string[]) => {
    const wanted = readArguments(argv, 1_795_428_000_000)
    assert.ok(wanted.kind === 'serve')
    return wanted.asked
  }

  it('are defaults, over a scenario, over what is said', () => {
    assert.deepEqual(serve().plan, { ...DEFAULT_PLAN, start: 1_795_424_400 })
    assert.equal(serve('--scenario', 'many').plan.pods, 60)
    assert.equal(serve('--scenario', 'many', '--pods', '7').plan.pods, 7)
    assert.equal(serve('--history', '25', '--stall-for', '2').plan.history, 0.25)
  })

  it('name faults', () => {
    assert.deepEqual(readFault('reset:api-2@75'), { kind: 'reset', pod: 'api-2', share: 0.75, times: 1 })
    assert.deepEqual(readFault('throttlex5'), { kind: 'throttle', pod: undefined, share: 0.5, times: 5 })
  })

  for (const argv of [
    ['--pods', '1001'],
    ['--pods', '0'],
    ['--lines', '-1'],
    ['--port', '65536'],
    ['--body', 'xml'],
    ['--fault', 'explode'],
    ['--fault', 'reset@101'],
    ['--scenario', 'constructor'],
    ['--unknown'],
    ['serve'],
  ])
    it(`are refused: ${argv.join(' ')}`, () =>
      assert.throws(
        () => readArguments(argv, 0),
        (error) => isPgctlError(error, 'usage'),
      ))
})
