import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Continuations } from '#core/logs/continuation.ts'
import { type LogLine, parseLine, type Stamp } from '#core/logs/line.ts'

/** What one source writes: an event a list, all of it at once, events a second apart. */
const LOGS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'a trace of Java with causes': [
    [
      'ERROR c.acme.Jobs - job failed',
      'java.lang.IllegalStateException: no lease',
      '\tat com.acme.Jobs.run(Jobs.java:41)',
      '\t... 12 more',
      'Caused by: java.io.IOException: reset',
      '\tat com.acme.Wire.read(Wire.java:7)',
    ],
    ['INFO c.acme.Jobs - next'],
  ],
  'a trace of Java by itself': [
    ['INFO c.acme.Jobs - before'],
    ['java.lang.IllegalStateException: no lease', '\tat com.acme.Jobs.run(Jobs.java:41)'],
    ['INFO c.acme.Jobs - next'],
  ],
  'a trace of Python, chained': [
    [
      'ERROR:root:job failed',
      'Traceback (most recent call last):',
      '  File "/app/jobs.py", line 41, in run',
      '    lease.take()',
      'KeyError: 7',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "/app/jobs.py", line 43, in run',
      '    raise JobError()',
      'jobs.JobError',
    ],
    ['INFO:root:next'],
  ],
  'an error of Node': [
    ['{"level":50,"msg":"unhandled"}'],
    [
      "TypeError: Cannot read properties of undefined (reading 'kid')",
      '    at rotateKeys (/app/keys.js:7:27)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5) {',
      "  code: 'E_KEY'",
      '}',
    ],
    ['{"level":30,"msg":"next"}'],
  ],
  'a panic of Go': [
    ['starting'],
    [
      'panic: runtime error: index out of range [3] with length 3',
      '',
      'goroutine 1 [running]:',
      'main.(*Server).run(0xc000012345, {0x1, 0x2})',
      '\t/app/main.go:12 +0x1d',
      'created by main.main in goroutine 1',
      '\t/app/main.go:7 +0x2a',
      'exit status 2',
    ],
    ['starting'],
  ],
  'an error of Postgres': [
    [
      '2026-11-23 07:32:39.663 UTC [123] app@orders ERROR:  duplicate key value',
      '2026-11-23 07:32:39.663 UTC [123] app@orders DETAIL:  Key (id)=(7) already exists.',
      '2026-11-23 07:32:39.663 UTC [123] app@orders STATEMENT:  INSERT INTO t VALUES (7)',
      '\tON CONFLICT DO NOTHING',
    ],
    ['2026-11-23 07:32:40.663 UTC [123] app@orders LOG:  checkpoint complete'],
  ],
  'JSON over several lines': [['{', '  "a": 1', '}'], ['{"level":30}'], ['}']],
  'empty lines and text': [['one'], [''], ['two']],
}

function stamped(text: string, second: number): LogLine {
  return { stamp: `2026-11-23T07:32:${String(second).padStart(2, '0')}.000000000Z` as Stamp, text }
}

describe('Continuations', () => {
  for (const [what, events] of Object.entries(LOGS))
    it(`finds the events of ${what}`, () => {
      const continuations = new Continuations()
      const found: string[][] = []
      for (const [second, event] of events.entries())
        for (const text of event)
          if (continuations.continues(stamped(text, second))) found.at(-1)?.push(text)
          else found.push([text])
      assert.deepEqual(found, events)
    })

  it('takes what is indented for a part of whatever is before, and never the first line of all', () => {
    const continuations = new Continuations()
    assert.equal(continuations.continues(stamped('\tat com.acme.Jobs.run(Jobs.java:41)', 1)), false)
    assert.equal(continuations.continues(parseLine('  more, without a stamp')), true)
  })

  it('answers for whatever comes, and never joins a line of JSON to another (property)', () => {
    const piece = fc.constantFrom(
      '{"a":1}',
      '',
      ' x',
      'Traceback (most recent call last):',
      'panic: x',
      'f(x)',
      'a.B: ',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string())), (texts) => {
        const continuations = new Continuations()
        for (const text of texts) {
          const continues = continuations.continues(stamped(text, 1))
          assert.equal(continues && text.startsWith('{'), false)
        }
      }),
    )
  })
})
