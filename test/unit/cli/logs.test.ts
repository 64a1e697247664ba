import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Setting } from '#cli/config.ts'
import { type LogFlags, readLogWishes, SEARCHED } from '#cli/log-wishes.ts'
import { LogLineRenderer } from '#cli/render/log-lines.ts'
import { LogTimes } from '#cli/render/log-times.ts'
import { logEventDocument, renderLogNotice } from '#cli/render/logs.ts'
import { isPgctlError } from '#core/errors.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { parseLine, type Stamp } from '#core/logs/line.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { logSource } from '../../support/log-source.ts'

const plain = (_style: unknown, text: string) => text
const marked = (style: unknown, text: string) => `<${style}>${text}</>`

const BERLIN = { name: 'Europe/Berlin', asked: false }
const rendererOf = (paint: ConstructorParameters<typeof LogLineRenderer>[0], terminal: boolean) =>
  new LogLineRenderer(paint, terminal, new LogTimes(BERLIN, terminal))

const NOON = { now: Date.parse('2026-11-25T11:00:00Z'), zone: 'Europe/Berlin' }
const wishesOf = (flags: LogFlags, tail: Setting) => readLogWishes(flags, tail, NOON).options

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
    it(why, () =>
      assert.deepEqual(wishesOf({ ...none, since }, tail), {
        ...none,
        maxStreams: undefined,
        span: { from: undefined, to: undefined },
        ...want,
      }),
    )

  it('takes a span between two moments, in the zone that is shown', () => {
    const { options, zone } = readLogWishes(
      { ...none, from: 'yesterday 20:10', to: '11:30', grep: ['x'] },
      fallback,
      NOON,
    )
    assert.deepEqual(zone, BERLIN)
    assert.deepEqual(options.span, {
      from: '2026-11-24T19:10:00.000000000Z',
      to: '2026-11-25T10:30:00.000000000Z',
    })
    assert.deepEqual([options.tail, options.searched], [undefined, undefined], 'all of it')
    const inTokyo = { ...none, from: '20:10', tz: 'Asia/Tokyo' }
    assert.throws(() => wishesOf({ ...inTokyo, from: '20:11' }, fallback), /still to come/)
    const tokyo = readLogWishes({ ...inTokyo, from: '19:59' }, fallback, NOON)
    assert.deepEqual(tokyo.zone, { name: 'Asia/Tokyo', asked: true })
    assert.equal(tokyo.options.span?.from, '2026-11-25T10:59:00.000000000Z')
    const utc = readLogWishes({ ...none, from: '10:00', utc: true }, said('7'), NOON)
    assert.deepEqual([utc.options.span?.from, utc.options.tail], ['2026-11-25T10:00:00.000000000Z', 7])
  })

  it('searches a bounded part for what is filtered, unless a span bounds it', () => {
    const wishes = wishesOf({ ...none, grep: ['a.c$'], level: 'warn' }, fallback)
    assert.equal(wishes.searched, SEARCHED)
    assert.equal(wishes.tail, 50)
    assert.equal(wishes.wanted?.accepts?.('abc'), true)
    assert.equal(wishes.wanted?.accepts?.('abcd'), false)
    const spanned = wishesOf({ ...none, exclude: ['x'], since: '1h' }, fallback)
    assert.deepEqual([spanned.searched, spanned.tail], [undefined, undefined])
    assert.equal(spanned.wanted?.accepts?.('x'), false)
  })

  it('takes as much around as is said for each side', () => {
    const contextOf = (flags: object) =>
      wishesOf({ ...none, grep: ['x'], ...flags }, fallback).wanted?.context
    assert.deepEqual(contextOf({ context: 3 }), { before: 3, after: 3 })
    assert.deepEqual(contextOf({ context: 3, after: 1 }), { before: 3, after: 1 })
    assert.deepEqual(contextOf({ before: 2 }), { before: 2, after: 0 })
    assert.equal(contextOf({ context: 0 }), undefined)
  })

  it('refuses what makes no sense, naming who said it', () => {
    const usage = (message: RegExp) => (error: unknown) =>
      isPgctlError(error, 'usage') && message.test(`${error.message}; ${error.why}; ${error.next}`)
    assert.throws(() => wishesOf({ follow: true, previous: true }, fallback), usage(/--previous/))
    assert.throws(() => wishesOf({ ...none, since: 'yesterday' }, fallback), usage(/"yesterday".*10m/))
    assert.throws(() => wishesOf(none, said('-5')), usage(/"-5".*--tail/))
    assert.throws(
      () => wishesOf({ ...none, exclude: ['('] }, fallback),
      usage(/"\(".*--exclude.*Unterminated/),
    )
    const at = (flags: object) => () => wishesOf({ ...none, ...flags }, fallback)
    assert.throws(at({ from: '25:00' }), usage(/"25:00" is no moment.*--from.*20:10/))
    assert.throws(at({ to: 'soon' }), usage(/"soon".*--to/))
    assert.throws(at({ from: '12:30' }), usage(/still to come.*11:30:00.*yesterday/))
    assert.throws(at({ from: '11:00', to: '10:00' }), usage(/--to 10:00 is before --from 11:00/))
    assert.throws(at({ follow: true, to: '11:59' }), usage(/followed until --to 11:59.*leave out --follow/))
    assert.throws(at({ context: 3 }), usage(/nothing is looked for.*--grep/))
    assert.throws(at({ tz: 'Europe/Berlni' }), usage(/"Europe\/Berlni".*--tz.*Europe\/Berlin/))
    const fromVariable: Setting = { value: 'many', origin: 'environment', from: 'PGCTL_TAIL' }
    assert.throws(() => wishesOf(none, fromVariable), usage(/"many".*PGCTL_TAIL/))
  })
})

describe('a line', () => {
  it('is the pod, the stamp and the text as it was written, where no terminal is', () => {
    const renderer = rendererOf(plain, false)
    assert.equal(
      renderer.render(lineEvent('hermes-1', `${STAMP} \x1b[31mred`)),
      `hermes-1  ${STAMP}  \x1b[31mred`,
    )
    assert.equal(renderer.render(lineEvent('hermes-1', 'no stamp')), 'hermes-1  -  no stamp')
  })

  it('has the time of the person and no power over the terminal, on one', () => {
    const text = rendererOf(plain, true).render(lineEvent('hermes-1', `${STAMP} \x1b[31mred\u202e`))
    assert.equal(text, 'hermes-1  11-23 08:32:39.663  \\x1b[31mred\\u202e')
  })

  it('has a colour for each pod, and stands in columns', () => {
    const renderer = rendererOf(marked, false)
    const render = (pod: string) => renderer.render(lineEvent(pod, `${STAMP} x`)).split('  20')[0]
    assert.equal(render('a'), '<cyan>a</>')
    assert.equal(render('long'), '<green>long</>')
    assert.equal(render('a'), '<cyan>a   </>')
    const veryLong = 'x'.repeat(60)
    assert.equal(render(veryLong), `<magenta>${veryLong}</>`)
    assert.equal(render('a'), '<cyan>a   </>')
  })

  it('shows the container where the pod has several, and that it is late', () => {
    const renderer = rendererOf(marked, true)
    const event = { ...lineEvent('a', `${STAMP} x`, true), source: sourceOf('a', { oneOfSeveral: true }) }
    assert.match(renderer.render(event), /^<cyan>a\/app<\/> {2}<yellow>/)
  })
})

describe('a line of a known format', () => {
  const json = (fields: object) => `${STAMP} ${JSON.stringify(fields)}`

  it('is level, message and fields', () => {
    const text = json({ level: 30, msg: 'done', req: { url: '/a b' }, took: 7, none: '' })
    assert.equal(
      rendererOf(plain, false).render(lineEvent('p', text)),
      `p  ${STAMP}  INFO  done  req.url="/a b" took=7 none=""`,
    )
  })

  it('has its trace on lines below, each with its pod and time', () => {
    const text = json({ level: 50, msg: 'failed', err: { message: 'x', stack: 'Error: x\n    at y\n' } })
    assert.equal(
      rendererOf(plain, false).render(lineEvent('p', text)),
      [`p  ${STAMP}  ERROR failed`, `p  ${STAMP}    Error: x`, `p  ${STAMP}        at y`].join('\n'),
    )
  })

  it('is followed by the lines that go on with it, each as it is and at its own time', () => {
    const rest = [parseLine(`${AFTER} Error: x`), parseLine('    at y')]
    assert.equal(
      rendererOf(plain, false).render({ ...lineEvent('p', `${STAMP} failed`), rest }),
      [`p  ${STAMP}  failed`, `p  ${AFTER}  Error: x`, 'p  -      at y'].join('\n'),
    )
    assert.deepEqual(logEventDocument({ ...lineEvent('p', json({ level: 50, msg: 'failed' })), rest }), {
      event: 'line',
      namespace: 'paragon',
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
      rendererOf(plain, false).render(lineEvent('p', text)),
      [`p  ${STAMP}  WARN  one  a=b`, `p  ${STAMP}    two`].join('\n'),
    )
  })

  it('is its fields alone without a message', () =>
    assert.equal(rendererOf(plain, false).render(lineEvent('p', json({ a: 'b' }))), `p  ${STAMP}  a=b`))

  it('has no power over the reader: what JSON hides is shown', () => {
    const text = json({ level: 30, msg: '\x1b[2J', '\x1bk': '\x07' })
    assert.equal(
      rendererOf(plain, false).render(lineEvent('p', text)),
      `p  ${STAMP}  INFO  \\x1b[2J  \\x1bk=\\x07`,
    )
  })

  it('has a colour for its level', () =>
    assert.match(
      rendererOf(marked, false).render(lineEvent('p', json({ level: 50, msg: 'x' }))),
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
    json: { event: 'joined', namespace: 'paragon', service: 'hermes', pod: 'p', container: 'app' },
  },
  {
    event: { event: 'restarted', source: sourceOf('p'), end: CRASH },
    text: '· p: restarted (restart 2): exit 137, OOMKilled',
    json: {
      event: 'restarted',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      restarts: 2,
      exitCode: 137,
      reason: 'OOMKilled',
    },
  },
  {
    event: {
      event: 'waiting',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      why: 'ImagePullBackOff\x1b[2J',
    },
    text: '· p: waits: ImagePullBackOff\\x1b[2J',
    json: {
      event: 'waiting',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      why: 'ImagePullBackOff\x1b[2J',
    },
  },
  {
    event: { event: 'left', namespace: 'paragon', service: 'hermes', pod: 'p' },
    text: '· p: deleted',
    json: { event: 'left', namespace: 'paragon', service: 'hermes', pod: 'p' },
  },
  {
    event: { event: 'empty', namespace: 'paragon', service: 'hermes' },
    text: '· hermes: has no pods in namespace paragon',
    json: { event: 'empty', namespace: 'paragon', service: 'hermes' },
  },
  {
    event: { event: 'followed', followed: 60, total: 84 },
    text: '· 60 of 84 followed; the others wait for one that is over, as --max-streams says',
    json: { event: 'followed', followed: 60, total: 84 },
  },
  {
    event: { event: 'refused', namespace: 'billing', why: 'not allowed to list pods in namespace billing' },
    text: '! namespace billing: left out: not allowed to list pods in namespace billing',
    json: { event: 'refused', namespace: 'billing', why: 'not allowed to list pods in namespace billing' },
  },
  {
    event: { event: 'reconnecting', source: sourceOf('p'), why: 'socket hang up', after: 10 },
    text: '· p: socket hang up; opening it again',
    json: {
      event: 'reconnecting',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      why: 'socket hang up',
    },
  },
  {
    event: { event: 'resumed', source: sourceOf('p'), seam: { kind: 'whole' } },
    text: '· p: goes on, nothing was lost',
    json: {
      event: 'resumed',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      seam: 'whole',
    },
  },
  {
    event: { event: 'resumed', source: sourceOf('p'), seam: { kind: 'gap', after: AFTER, before: BEFORE } },
    text: `! p: goes on, lines between ${AFTER} and ${BEFORE} were rotated away`,
    json: {
      event: 'resumed',
      namespace: 'paragon',
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
    json: {
      event: 'gap',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      seam: 'uncertain',
      after: AFTER,
    },
  },
  {
    event: { event: 'over', source: sourceOf('p'), how: { kind: 'whole', end: CRASH } },
    text: '· p: ended: exit 137, OOMKilled',
    json: {
      event: 'over',
      namespace: 'paragon',
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
    json: {
      event: 'over',
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      log: 'unchecked',
    },
  },
  {
    event: { event: 'over', source: sourceOf('p'), how: { kind: 'lost', why: 'the pod is gone' } },
    text: '! p: the rest of its log cannot be read: the pod is gone',
    json: {
      event: 'over',
      namespace: 'paragon',
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
        {
          namespace: 'paragon',
          service: 'hermes',
          pod: 'p',
          container: 'app',
          seam: 'gap',
          after: AFTER,
          before: BEFORE,
        },
        { namespace: 'paragon', service: 'hermes', pod: 'q', container: 'app', why: 'the pod is gone' },
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
      namespace: 'paragon',
      service: 'hermes',
      pod: 'p',
      container: 'app',
      time: STAMP,
      text: 'text',
      late: true,
    })
    assert.deepEqual(logEventDocument(lineEvent('p', 'text')), {
      event: 'line',
      namespace: 'paragon',
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
      namespace: 'paragon',
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
