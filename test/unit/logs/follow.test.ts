import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decide, probeDelay, type Reading, type StreamEnd } from '#core/logs/follow.ts'
import type { ContainerSnapshot, EndedRun } from '#core/logs/pod.ts'

const ended = (run: string, exitCode = 0): EndedRun => ({
  run,
  exitCode,
  reason: exitCode === 0 ? 'Completed' : 'Error',
})
const container = (state: ContainerSnapshot['state'], previous?: EndedRun): ContainerSnapshot => ({
  name: 'hermes',
  restarts: previous === undefined ? 0 : 1,
  state,
  previous,
})

const RUNNING = container({ kind: 'running', run: 'one' })
const OVER = container({ kind: 'ended', ...ended('one', 3) })
const BACKING_OFF = container({ kind: 'waiting', why: 'CrashLoopBackOff' }, ended('one', 3))
const RESTARTED = container({ kind: 'running', run: 'two' }, ended('one', 137))
const RESTARTED_TWICE = container({ kind: 'running', run: 'three' }, ended('two', 137))

const ENDED: StreamEnd = { kind: 'ended', unfinished: undefined }
const TORN: StreamEnd = { kind: 'ended', unfinished: 'half a li' }
const CUT: StreamEnd = { kind: 'cut', why: 'socket hang up' }
const DEAD: StreamEnd = { kind: 'dead' }
const refused = (status: number, retryAfter?: number): StreamEnd => ({
  kind: 'refused',
  status,
  why: `HTTP ${status}`,
  retryAfter,
})
const reading = (mode: Reading['mode'], fruitless = 1, endedBefore = false): Reading => ({
  run: 'one',
  mode,
  fruitless,
  endedBefore,
})

describe('decide', () => {
  const rows: ReadonlyArray<{
    why: string
    end: StreamEnd
    mode: Reading['mode']
    status: ContainerSnapshot | undefined
    fruitless?: number
    endedBefore?: boolean
    want: string
  }> = [
    {
      why: 'servers end streams while containers go on',
      end: ENDED,
      mode: 'follow',
      status: RUNNING,
      want: 'follow',
    },
    { why: 'a cut is no end', end: CUT, mode: 'follow', status: RUNNING, want: 'follow' },
    { why: 'a dead stream is opened again', end: DEAD, mode: 'follow', status: RUNNING, want: 'follow' },
    {
      why: 'a follow of a running container never gives up',
      end: CUT,
      mode: 'follow',
      status: RUNNING,
      fruitless: 99,
      want: 'follow',
    },
    {
      why: 'a throttle is waited for',
      end: refused(429, 1_000),
      mode: 'follow',
      status: RUNNING,
      want: 'follow',
    },
    {
      why: 'a kubelet that cannot be reached may come back',
      end: refused(500),
      mode: 'follow',
      status: RUNNING,
      want: 'follow',
    },
    {
      why: 'the stream may have ended before the container did: it is read once more',
      end: ENDED,
      mode: 'follow',
      status: OVER,
      want: 'remainder',
    },
    {
      why: 'that reading, when it brings nothing new, is the end',
      end: ENDED,
      mode: 'remainder',
      status: OVER,
      fruitless: 2,
      endedBefore: true,
      want: 'whole exit 3',
    },
    {
      why: 'what has brought lines may have ended before the log did',
      end: ENDED,
      mode: 'remainder',
      status: OVER,
      endedBefore: true,
      want: 'remainder',
    },
    {
      why: 'and so may the first one after a cut',
      end: ENDED,
      mode: 'remainder',
      status: OVER,
      fruitless: 3,
      want: 'remainder',
    },
    {
      why: 'within a line no log has ended, but for the second time',
      end: TORN,
      mode: 'remainder',
      status: OVER,
      fruitless: 2,
      endedBefore: true,
      want: 'remainder',
    },
    { why: 'that reading can be cut, too', end: CUT, mode: 'remainder', status: OVER, want: 'remainder' },
    { why: 'but not for ever', end: CUT, mode: 'remainder', status: OVER, fruitless: 10, want: 'lost' },
    {
      why: 'a throttle is no failure, however long it lasts',
      end: refused(429),
      mode: 'remainder',
      status: OVER,
      fruitless: 10,
      want: 'remainder',
    },
    {
      why: 'between two runs the log is that of the last',
      end: ENDED,
      mode: 'follow',
      status: BACKING_OFF,
      want: 'remainder',
    },
    {
      why: 'and its end is the end of that run',
      end: ENDED,
      mode: 'remainder',
      status: BACKING_OFF,
      fruitless: 2,
      endedBefore: true,
      want: 'whole exit 3',
    },
    {
      why: 'after a restart the rest is in the previous log',
      end: CUT,
      mode: 'follow',
      status: RESTARTED,
      want: 'previous',
    },
    {
      why: 'a restart while the remainder was read: what was read may be of the new run',
      end: ENDED,
      mode: 'remainder',
      status: RESTARTED,
      want: 'previous',
    },
    {
      why: 'the previous log, read to its end',
      end: ENDED,
      mode: 'previous',
      status: RESTARTED,
      fruitless: 2,
      endedBefore: true,
      want: 'whole exit 137',
    },
    {
      why: 'after another restart it is gone',
      end: CUT,
      mode: 'follow',
      status: RESTARTED_TWICE,
      want: 'lost',
    },
    {
      why: 'a stream that ended in good order may have been whole',
      end: ENDED,
      mode: 'follow',
      status: RESTARTED_TWICE,
      want: 'unchecked',
    },
    {
      why: 'the previous log was not kept',
      end: refused(400),
      mode: 'previous',
      status: RESTARTED,
      want: 'lost',
    },
    {
      why: 'the pod is gone, its stream ended',
      end: ENDED,
      mode: 'follow',
      status: undefined,
      want: 'unchecked',
    },
    { why: 'the pod is gone, its stream was cut', end: CUT, mode: 'follow', status: undefined, want: 'lost' },
    {
      why: 'the API knows of the deletion first',
      end: refused(404),
      mode: 'remainder',
      status: OVER,
      want: 'lost',
    },
    {
      why: 'it is gone before its end could be confirmed',
      end: refused(404),
      mode: 'remainder',
      status: OVER,
      endedBefore: true,
      want: 'unchecked',
    },
  ]
  for (const { why, end, mode, status, fruitless, endedBefore, want } of rows)
    it(`${end.kind} in ${mode}: ${why}`, () => {
      const verdict = decide(end, reading(mode, fruitless, endedBefore), status, 0.5)
      const how = verdict.kind === 'over' ? verdict.how : undefined
      const said =
        verdict.kind === 'reopen'
          ? verdict.mode
          : how?.kind === 'whole'
            ? `whole exit ${how.end?.exitCode}`
            : how?.kind
      assert.equal(said, want)
    })

  it('reopens at once after a stream that brought lines, and later and later after others', () => {
    const waitAfter = (fruitless: number, end: StreamEnd = CUT) => {
      const verdict = decide(end, reading('follow', fruitless), RUNNING, 0.999)
      assert.ok(verdict.kind === 'reopen')
      return verdict.after
    }
    assert.ok(waitAfter(1) <= 100)
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 9, 20].map((fruitless) => waitAfter(fruitless))
    assert.deepEqual(
      waits,
      waits.toSorted((a, b) => a - b),
    )
    assert.equal(waits.at(-1), Math.round(15_000 * (0.1 + 0.9 * 0.999)))
    assert.ok(waitAfter(1, refused(503)) > 0)
    assert.equal(waitAfter(1, refused(429, 60_000)), 60_000)
  })

  it('calls a log whole only after it was read to its end once the run was over (property)', () => {
    const end = fc.constantFrom(ENDED, TORN, CUT, DEAD, refused(404), refused(400), refused(500))
    const mode = fc.constantFrom<Reading['mode'][]>('follow', 'remainder', 'previous')
    const status = fc.constantFrom(RUNNING, OVER, BACKING_OFF, RESTARTED, RESTARTED_TWICE, undefined)
    fc.assert(
      fc.property(
        end,
        mode,
        status,
        fc.nat(10),
        fc.boolean(),
        (end, mode, status, fruitless, endedBefore) => {
          const verdict = decide(end, reading(mode, fruitless, endedBefore), status, 0)
          if (verdict.kind !== 'over' || verdict.how.kind !== 'whole') return
          assert.equal(end, ENDED)
          assert.ok(endedBefore)
          assert.notEqual(mode, 'follow')
          assert.notEqual(status, RUNNING)
        },
      ),
    )
  })
})

describe('probeDelay', () => {
  it('grows, to a bound', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 50].map(probeDelay),
      [30_000, 60_000, 120_000, 240_000, 300_000, 300_000],
    )
  })
})
