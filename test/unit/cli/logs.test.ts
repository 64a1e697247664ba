import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Setting } from '#cli/config.ts'
import { readLogWishes, SEARCHED } from '#cli/log-wishes.ts'
import { LogLineRenderer } from '#cli/render/log-lines.ts'
import { logEventDocument, renderLogNotice } from '#cli/render/logs.ts'
import { isPgctlError } from '#core/errors.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { parseLine, type Stamp } from '#core/logs/line.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { logSource } from '../../support/log-source.ts'

const plain = (_style: unknown, text: string) => text
const marked = (style: unknown, text: string) => `<${style}>${text}</>`

const sourceOf = (pod: string, changes: Partial<LogSource> = {}) =>
  logSource(pod, { restarts: 2, ...changes })

function lineEvent(pod: string, line: string, late = false): Extract<LogEvent, { event: 'line' }> {
  return { event: 'line', source: sourceOf(pod), line: parseLine(line), rest: [], late }
}

const STAMP = '2026-11-23T07:32:39.663019936Z'
const AFTER = '2026-11-23T07:32:38.000000000Z' as Stamp
const BEFORE = '2026-11-23T07:33:00.000000000Z' as Stamp
const CRASH = { run: 'r', exitCode: 137, reason: 'OOMKilled', startedAt: undefined, endedAt: undefined }

describe('readLogWishes', () => {
  const fallback: Setting = { value: '50', origin: 'default', from: undefined }
  const said = (value: string): Setting => ({ value, origin: 'flag', from: '--tail' })
  const none = { follow: false, previous: false }

  const rows: ReadonlyArray<{
    why: string
    since?: string
    tail: Setting
    want: { tail: number | undefined; sinceSeconds: number | undefined }
  }> = [
    { why: 'the last lines by default', tail: fallback, want: { tail: 50, sinceSeconds: undefined } },
    {
      why: 'a span of time is wanted whole',
      since: '10m',
      tail: fallback,
      want: { tail: undefined, sinceSeconds: 600 },
    },
    {
      why: 'unless a number was given too',
      since: '10m',
      tail: said('5'),
      want: { tail: 5, sinceSeconds: 600 },
    },
    { why: 'everything', tail: said('all'), want: { tail: undefined, sinceSeconds: undefined } },
    { why: 'nothing but what comes', tail: said('0'), want: { tail: 0, sinceSeconds: undefined } },
  ]
  for (const { why, since, tail, want } of rows)
    it(why, () => assert.deepEqual(readLogWishes({ ...none, since }, tail), { ...none, ...want }))

  it('searches a bounded part for what is filtered, unless a span bounds it', () => {
    const wishes = readLogWishes({ ...none, grep: ['a.c$'], level: 'warn' }, fallback)
    assert.equal(wishes.searched, SEARCHED)
    assert.equal(wishes.tail, 50)
    assert.equal(wishes.accepts?.('abc'), true)
    assert.equal(wishes.accepts?.('abcd'), false)
    const spanned = readLogWishes({ ...none, exclude: ['x'], since: '1h' }, fallback)
    assert.deepEqual([spanned.searched, spanned.tail], [undefined, undefined])
    assert.equal(spanned.accepts?.('x'), false)
  })

  it('refuses what makes no sense, naming who said it', () => {
    const usage = (message: RegExp) => (error: unknown) =>
      isPgctlError(error, 'usage') && message.test(`${error.message}; ${error.why}; ${error.next}`)
    assert.throws(() => readLogWishes({ follow: true, previous: true }, fallback), usage(/--previous/))
    assert.throws(() => readLogWishes({ ...none, since: 'yesterday' }, fallback), usage(/"yesterday".*10m/))
    assert.throws(() => readLogWishes(none, said('-5')), usage(/"-5".*--tail/))
    assert.throws(
      () => readLogWishes({ ...none, exclude: ['('] }, fallback),
      usage(/"\(".*--exclude.*Unterminated/),
    )
    const fromVariable: Setting = { value: 'many', origin: 'environment', from: 'PGCTL_TAIL' }
    assert.throws(() => readLogWishes(none, fromVariable), usage(/"many".*PGCTL_TAIL/))
  })
})

describe('a line', () => {
  it('is the pod, the stamp and the text as it was written, where no terminal is', () => {
    const renderer = new LogLineRenderer(plain, false)
    assert.equal(
      renderer.render(lineEvent('hermes-1', `${STAMP} \x1b[31mred`)),
      `hermes-1  ${STAMP}  \x1b[31mred`,
    )
    assert.equal(renderer.render(lineEvent('hermes-1', 'no stamp')), 'hermes-1  -  no stamp')
  })

  it('has the time of the person and no power over the terminal, on one', () => {
    const text = new LogLineRenderer(plain, true).render(lineEvent('hermes-1', `${STAMP} \x1b[31mred\u202e`))
    const local = new Date('2026-11-23T07:32:39Z')
    const hours = String(local.getHours()).padStart(2, '0')
    assert.match(text, new RegExp(`^hermes-1  11-2\\d ${hours}:\\d\\d:39\\.663  `))
    assert.ok(text.endsWith('\\x1b[31mred\\u202e'))
  })

  it('has a colour for each pod, and stands in columns', () => {
    const renderer = new LogLineRenderer(marked, false)
    const render = (pod: string) => renderer.render(lineEvent(pod, `${STAMP} x`)).split('  20')[0]
    assert.equal(render('a'), '<cyan>a</>')
    assert.equal(render('long'), '<green>long</>')
    assert.equal(render('a'), '<cyan>a   </>')
    const veryLong = 'x'.repeat(60)
    assert.equal(render(veryLong), `<magenta>${veryLong}</>`)
    assert.equal(render('a'), '<cyan>a   </>')
  })

  it('shows the container where the pod has several, and that it is late', () => {
    const renderer = new LogLineRenderer(marked, true)
    const event = { ...lineEvent('a', `${STAMP} x`, true), source: sourceOf('a', { oneOfSeveral: true }) }
    assert.match(renderer.render(event), /^<cyan>a\/app<\/> {2}<yellow>/)
  })
})

describe('a line of a known format', () => {
  const json = (fields: object) => `${STAMP} ${JSON.stringify(fields)}`

  it('is level, message and fields', () => {
    const text = json({ level: 30, msg: 'done', req: { url: '/a b' }, took: 7, none: '' })
    assert.equal(
      new LogLineRenderer(plain, false).render(lineEvent('p', text)),
      `p  ${STAMP}  INFO  done  req.url="/a b" took=7 none=""`,
    )
  })

  it('has its trace on lines below, each with its pod and time', () => {
    const text = json({ level: 50, msg: 'failed', err: { message: 'x', stack: 'Error: x\n    at y\n' } })
    assert.equal(
      new LogLineRenderer(plain, false).render(lineEvent('p', text)),
      [`p  ${STAMP}  ERROR failed`, `p  ${STAMP}    Error: x`, `p  ${STAMP}        at y`].join('\n'),
    )
  })

  it('is followed by the lines that go on with it, each as it is and at its own time', () => {
    const rest = [parseLine(`${AFTER} Error: x`), parseLine('    at y')]
    assert.equal(
      new LogLineRenderer(plain, false).render({ ...lineEvent('p', `${STAMP} failed`), rest }),
      [`p  ${STAMP}  failed`, `p  ${AFTER}  Error: x`, 'p  -      at y'].join('\n'),
    )
    assert.deepEqual(logEventDocument({ ...lineEvent('p', json({ level: 50, msg: 'failed' })), rest }), {
      event: 'line',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      time: STAMP,
      text: '{"level":50,"msg":"failed"}\nError: x\n    at y',
      level: 'error',
      format: 'json',
      message: 'failed',
      fields: {},
    })
  })

  it('stands on one line however many its message has, the others below', () => {
    const text = json({ level: 40, msg: 'one\ntwo', a: 'b' })
    assert.equal(
      new LogLineRenderer(plain, false).render(lineEvent('p', text)),
      [`p  ${STAMP}  WARN  one  a=b`, `p  ${STAMP}    two`].join('\n'),
    )
  })

  it('is its fields alone without a message', () =>
    assert.equal(
      new LogLineRenderer(plain, false).render(lineEvent('p', json({ a: 'b' }))),
      `p  ${STAMP}  a=b`,
    ))

  it('has no power over the reader: what JSON hides is shown', () => {
    const text = json({ level: 30, msg: '\x1b[2J', '\x1bk': '\x07' })
    assert.equal(
      new LogLineRenderer(plain, false).render(lineEvent('p', text)),
      `p  ${STAMP}  INFO  \\x1b[2J  \\x1bk=\\x07`,
    )
  })

  it('has a colour for its level', () =>
    assert.match(
      new LogLineRenderer(marked, false).render(lineEvent('p', json({ level: 50, msg: 'x' }))),
      /<red>ERROR<\/> x$/,
    ))
})

const TRACED = JSON.stringify({ level: 50, msg: 'failed', err: { stack: 'Error: x' } })
const SUMMARY = {
  streams: 84,
  lines: 1_203_441,
  hidden: 0,
  reconnects: 3,
  unchecked: 0,
  holeCount: 0,
  holes: [],
}
const HOLED = {
  ...SUMMARY,
  streams: 1,
  lines: 1,
  hidden: 12,
  unchecked: 1,
  holeCount: 7,
  holes: [
    { source: sourceOf('p'), seam: { kind: 'gap', after: AFTER, before: BEFORE } },
    { source: sourceOf('q'), why: 'the pod is gone' },
  ],
} as const

const EVENTS: ReadonlyArray<{ event: LogEvent; text: string | undefined; json: object }> = [
  {
    event: { event: 'joined', source: sourceOf('p') },
    text: '· p: joined',
    json: { event: 'joined', service: 'hermes', pod: 'p', container: 'app' },
  },
  {
    event: { event: 'restarted', source: sourceOf('p'), end: CRASH },
    text: '· p: restarted (restart 2): exit 137, OOMKilled',
    json: {
      event: 'restarted',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      restarts: 2,
      exitCode: 137,
      reason: 'OOMKilled',
    },
  },
  {
    event: { event: 'waiting', service: 'hermes', pod: 'p', why: 'ImagePullBackOff\x1b[2J' },
    text: '· p: waits: ImagePullBackOff\\x1b[2J',
    json: { event: 'waiting', service: 'hermes', pod: 'p', why: 'ImagePullBackOff\x1b[2J' },
  },
  {
    event: { event: 'left', service: 'hermes', pod: 'p' },
    text: '· p: deleted',
    json: { event: 'left', service: 'hermes', pod: 'p' },
  },
  {
    event: { event: 'empty', service: 'hermes' },
    text: '· hermes: has no pods',
    json: { event: 'empty', service: 'hermes' },
  },
  {
    event: { event: 'reconnecting', source: sourceOf('p'), why: 'socket hang up', after: 10 },
    text: '· p: socket hang up; opening it again',
    json: { event: 'reconnecting', service: 'hermes', pod: 'p', container: 'app', why: 'socket hang up' },
  },
  {
    event: { event: 'resumed', source: sourceOf('p'), seam: { kind: 'whole' } },
    text: '· p: goes on, nothing was lost',
    json: { event: 'resumed', service: 'hermes', pod: 'p', container: 'app', seam: 'whole' },
  },
  {
    event: { event: 'resumed', source: sourceOf('p'), seam: { kind: 'gap', after: AFTER, before: BEFORE } },
    text: `! p: goes on, lines between ${AFTER} and ${BEFORE} were rotated away`,
    json: {
      event: 'resumed',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      seam: 'gap',
      after: AFTER,
      before: BEFORE,
    },
  },
  {
    event: { event: 'gap', source: sourceOf('p'), seam: { kind: 'uncertain', after: AFTER } },
    text: `! p: lines after ${AFTER} may be missing or doubled`,
    json: { event: 'gap', service: 'hermes', pod: 'p', container: 'app', seam: 'uncertain', after: AFTER },
  },
  {
    event: { event: 'over', source: sourceOf('p'), how: { kind: 'whole', end: CRASH } },
    text: '· p: ended: exit 137, OOMKilled',
    json: {
      event: 'over',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      log: 'whole',
      exitCode: 137,
      reason: 'OOMKilled',
    },
  },
  {
    event: { event: 'over', source: sourceOf('p'), how: { kind: 'unchecked' } },
    text: '· p: ended, and is gone',
    json: { event: 'over', service: 'hermes', pod: 'p', container: 'app', log: 'unchecked' },
  },
  {
    event: { event: 'over', source: sourceOf('p'), how: { kind: 'lost', why: 'the pod is gone' } },
    text: '! p: the rest of its log cannot be read: the pod is gone',
    json: {
      event: 'over',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      log: 'lost',
      why: 'the pod is gone',
    },
  },
  {
    event: { event: 'unwatched', why: 'timeout' },
    text: '· cannot ask for changes of the pods (timeout); trying again',
    json: { event: 'unwatched', why: 'timeout' },
  },
  {
    event: { event: 'ledger', summary: SUMMARY },
    text: '· 84 streams, 1,203,441 lines, 3 reconnects, 0 lost, 0 doubled',
    json: { event: 'ledger', ...SUMMARY },
  },
  {
    event: { event: 'ledger', summary: HOLED },
    text: `! 1 stream, 1 line, 12 filtered out, 3 reconnects, 1 end not checked; not whole: p: lines between ${AFTER} and ${BEFORE} were rotated away; q: the rest of its log cannot be read: the pod is gone; 5 more`,
    json: {
      event: 'ledger',
      ...HOLED,
      holes: [
        { service: 'hermes', pod: 'p', container: 'app', seam: 'gap', after: AFTER, before: BEFORE },
        { service: 'hermes', pod: 'q', container: 'app', why: 'the pod is gone' },
      ],
    },
  },
]

describe('an event', () => {
  for (const { event, text, json } of EVENTS)
    it(`of the kind ${event.event} is told: ${text}`, () => {
      assert.ok(event.event !== 'line')
      assert.equal(renderLogNotice(event, plain), text)
      assert.deepEqual(logEventDocument(event), json)
    })

  it('that is a line has these fields for programs', () => {
    assert.deepEqual(logEventDocument(lineEvent('p', `${STAMP} text`, true)), {
      event: 'line',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      time: STAMP,
      text: 'text',
      late: true,
    })
    assert.deepEqual(logEventDocument(lineEvent('p', 'text')), {
      event: 'line',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      time: null,
      text: 'text',
    })
  })

  it('that is a line of a known format has what it says, too', () => {
    const text = JSON.stringify({ level: 50, msg: 'failed', a: 1, err: { message: 'x', stack: 'Error: x' } })
    assert.deepEqual(logEventDocument(lineEvent('p', text)), {
      event: 'line',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      time: null,
      text,
      level: 'error',
      format: 'json',
      message: 'failed',
      fields: { a: '1' },
      trace: 'Error: x',
    })
  })

  it('has all its fields in the documentation', () => {
    const page = readFileSync(new URL('../../../docs/json-output.md', import.meta.url), 'utf8')
    const section = page.split('\n## ').find((part) => part.startsWith('`logs`'))
    assert.ok(section, 'there is no section about logs')
    const documents = [
      ...EVENTS.map(({ json }) => json),
      logEventDocument(lineEvent('p', 'x', true)),
      logEventDocument(lineEvent('p', TRACED)),
    ]
    for (const document of documents) {
      const { event, ...fields } = document as { event: string }
      for (const name of [event, ...Object.keys(fields)])
        assert.ok(section.includes(`\`${name}\``), `${name} is not documented`)
    }
  })
})
