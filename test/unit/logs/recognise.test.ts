import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Level } from '#core/logs/level.ts'
import { parseRecord } from '#core/logs/recognise.ts'
import type { LogFormat } from '#core/logs/record.ts'

const ESC = '\u001b'

interface Row {
  readonly why: string
  readonly text: string
  readonly format: LogFormat
  readonly level?: Level
  /** The text itself unless given. */
  readonly message?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly trace?: string
}

const STACK = 'Error: reset\n    at send (/app/client.js:3:5)'

const ROWS: readonly Row[] = [
  // ── JSON ──
  {
    why: 'pino: its numbers are levels, and what every line of a pod repeats is left out',
    text: '{"level":40,"time":1795633549278,"pid":1,"hostname":"hermes-1","requestId":"7f3a","msg":"slow"}',
    format: 'json',
    level: 'warn',
    message: 'slow',
    fields: { requestId: '7f3a' },
  },
  {
    why: 'objects are flattened by one step, deeper ones stay JSON',
    text: '{"level":30,"req":{"method":"GET","headers":{"a":1}},"ids":[1,2],"msg":"done"}',
    format: 'json',
    level: 'info',
    message: 'done',
    fields: { 'req.method': 'GET', 'req.headers': '{"a":1}', ids: '[1,2]' },
  },
  {
    why: "an error's stack is the trace, which holds type and message already",
    text: JSON.stringify({
      level: 50,
      err: { type: 'Error', message: 'reset', code: 'ECONNRESET', stack: STACK },
      msg: 'failed',
    }),
    format: 'json',
    level: 'error',
    message: 'failed',
    fields: { 'err.code': 'ECONNRESET' },
    trace: STACK,
  },
  {
    why: 'an error without a stack shows type and message',
    text: '{"severity":"ERROR","message":"failed","error":{"type":"IOException","message":"reset"}}',
    format: 'json',
    level: 'error',
    message: 'failed',
    fields: { 'error.type': 'IOException', error: 'reset' },
  },
  {
    why: 'zap: names of its own, and the trace beside the message',
    text: '{"level":"dpanic","ts":1.5,"msg":"bad","stacktrace":"main.run\\n\\t/app/main.go:7"}',
    format: 'json',
    level: 'fatal',
    message: 'bad',
    trace: 'main.run\n\t/app/main.go:7',
  },
  {
    why: 'a level of nobody’s scale is shown as it is',
    text: '{"level":"loud","msg":"x"}',
    format: 'json',
    message: 'x',
    fields: { level: 'loud' },
  },
  {
    why: 'an object without a message is still one',
    text: '{"a":"b"}',
    format: 'json',
    message: '',
    fields: { a: 'b' },
  },
  {
    why: 'no property of the language is taken for a level',
    text: '{"level":"constructor","msg":"x"}',
    format: 'json',
    message: 'x',
    fields: { level: 'constructor' },
  },
  { why: 'broken JSON is a plain line', text: '{"level":30,"msg":"cut', format: 'plain' },
  { why: 'an array is a plain line', text: '[1,2]', format: 'plain' },
  // ── logfmt ──
  {
    why: 'Grafana’s',
    text: 'logger=context t=2026-11-23T07:32:39Z level=warn msg="took \\"long\\"" duration=12ms empty=""',
    format: 'logfmt',
    level: 'warn',
    message: 'took "long"',
    fields: { logger: 'context', duration: '12ms', empty: '' },
  },
  { why: 'pairs that tell neither level nor message are a sentence', text: 'a=1 b=2', format: 'plain' },
  {
    why: 'a sentence with an equals sign is none',
    text: 'set level=info and msg=x, please',
    format: 'plain',
  },
  { why: 'a quote that never ends', text: 'level=info msg="cut', format: 'plain' },
  // ── klog ──
  {
    why: 'klog in its old form',
    text: 'E1123 07:32:39.663019       1 reflector.go:147] failed to list *v1.Pod: forbidden',
    format: 'klog',
    level: 'error',
    message: 'failed to list *v1.Pod: forbidden',
    fields: { at: 'reflector.go:147' },
  },
  {
    why: 'klog in its structured form',
    text: 'I1123 07:32:39.663019       1 server.go:12] "Started" kind="Pod" count=3',
    format: 'klog',
    level: 'info',
    message: 'Started',
    fields: { kind: 'Pod', count: '3', at: 'server.go:12' },
  },
  // ── access logs ──
  {
    why: 'nginx: a client’s fault is a warning',
    text: '10.0.1.7 - ada [23/Nov/2026:07:32:39 +0000] "GET /x?a=1 HTTP/1.1" 404 512 "-" "curl/8.14"',
    format: 'access',
    level: 'warn',
    message: 'GET /x?a=1 404',
    fields: { client: '10.0.1.7', user: 'ada', bytes: '512', agent: 'curl/8.14' },
  },
  {
    why: 'the common format: a server’s fault is an error',
    text: '::1 - - [23/Nov/2026:07:32:39 +0000] "POST /y HTTP/2.0" 503 -',
    format: 'access',
    level: 'error',
    message: 'POST /y 503',
    fields: { client: '::1' },
  },
  // ── Postgres ──
  {
    why: 'Postgres by its own prefix',
    text: '2026-11-23 07:32:39.663 UTC [123] app@orders ERROR:  duplicate key value',
    format: 'postgres',
    level: 'error',
    message: 'duplicate key value',
    fields: { who: 'app@orders', pid: '123' },
  },
  {
    why: 'Postgres of RDS',
    text: '2026-11-23 07:32:39 UTC:10.0.1.7(54321):app@orders:[123]:LOG:  checkpoint complete',
    format: 'postgres',
    level: 'info',
    message: 'checkpoint complete',
    fields: { client: '10.0.1.7(54321)', who: 'app@orders', pid: '123' },
  },
  {
    why: 'more of the line before has no level of its own',
    text: '2026-11-23 07:32:39.663 UTC [123] app@orders DETAIL:  Key (id)=(7) already exists.',
    format: 'postgres',
    message: 'DETAIL: Key (id)=(7) already exists.',
    fields: { who: 'app@orders', pid: '123' },
  },
  // ── plain ──
  { why: 'a level in capitals', text: '07:32:39 WARN  c.acme.Jobs - retry', format: 'plain', level: 'warn' },
  {
    why: 'a level in brackets',
    text: '2026/11/23 07:32:39 [crit] 12#12: *1 open() failed',
    format: 'plain',
    level: 'fatal',
  },
  { why: 'a level in colour', text: `${ESC}[31mERROR${ESC}[39m no lease`, format: 'plain', level: 'error' },
  {
    why: 'an error of Node',
    text: "TypeError: Cannot read properties of undefined (reading 'kid')",
    format: 'plain',
    level: 'error',
  },
  {
    why: 'an error of Java',
    text: 'java.lang.IllegalStateException: no lease',
    format: 'plain',
    level: 'error',
  },
  { why: 'a plain error', text: 'Error: reset', format: 'plain', level: 'error' },
  { why: 'a panic of Go', text: 'panic: runtime error: index out of range', format: 'plain', level: 'fatal' },
  { why: 'a sentence that speaks of an error is none', text: 'no error so far', format: 'plain' },
  { why: 'nothing at all', text: '', format: 'plain' },
]

describe('parseRecord', () => {
  for (const { why, text, format, level, message = text, fields = {}, trace } of ROWS)
    it(`${format}: ${why}`, () => {
      const { isPrintable: _, ...record } = parseRecord(text)
      assert.deepEqual(
        { ...record, fields: Object.fromEntries(record.fields) },
        { format, level, message, fields, trace },
      )
    })

  it('reads whatever a program writes, and throws nothing (property)', () => {
    const word = fc.constantFrom(
      '{',
      '"',
      '=',
      ' ',
      'level',
      'msg',
      'ERROR',
      '[',
      ']',
      ':',
      '\\',
      ESC,
      '10.0.0.1',
    )
    const odd = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(word).map((words) => words.join('')),
    )
    fc.assert(
      fc.property(odd, (text) => {
        const record = parseRecord(text)
        if (record.format === 'plain') assert.equal(record.message, text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes no time without end for a line that nearly fits', { timeout: 5_000 }, () => {
    // Each of these would take for ever by an expression that tries again from every place.
    for (const text of [
      `level=info ${'a="\\'.repeat(20_000)}`,
      `${'x '.repeat(30_000)}ERROR`,
      `${'A.'.repeat(30_000)}!`,
      `2026-11-23 07:32:39 UTC:${':'.repeat(30_000)}`,
      `10.0.0.1 - - [23/Nov/2026:${'"'.repeat(30_000)}`,
    ])
      parseRecord(text)
  })
})
