/** What no program should write, and some do. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LogLineRenderer } from '#cli/render/log-lines.ts'
import { LogTimes } from '#cli/render/log-times.ts'
import { logEventDocument } from '#cli/render/logs.ts'
import { LogFunnel } from '#core/logs/funnel.ts'
import { parseLine } from '#core/logs/line.ts'
import { LineSplitter } from '#core/logs/line-splitter.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { joinSplitLine, SPLIT_FROM } from '#core/logs/split-line.ts'
import { logSource } from '../../support/log-source.ts'

const CAP = 1024 * 1024
const NOW = { mono: 0, wall: 0 }
const JOIN = { from: SPLIT_FROM, mend: joinSplitLine }

describe('a line of 200 MB', () => {
  it('is held to the cap, shown cut with how much is missing, and the next line is whole', () => {
    const splitter = new LineSplitter(CAP, JOIN)
    const stamp = '2026-11-23T07:00:00.000000000Z '
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const chunks = (200 * 1024 * 1024) / chunk.length
    splitter.push(Buffer.from(stamp))
    let most = 0
    for (let count = 0; count < chunks; count++) {
      assert.deepEqual(splitter.push(chunk), [])
      most = Math.max(most, splitter.held)
    }
    assert.equal(most, CAP)
    const [giant = '', next, ...others] = splitter.push(Buffer.from(`\n${stamp}next\n`))
    const missing = chunks * chunk.length + stamp.length - CAP
    assert.ok(giant.endsWith(`xxx… (${missing} bytes more)`))
    assert.ok(giant.length < CAP + 40)
    assert.deepEqual([next, others], [`${stamp}next`, []])
  })
})

describe('any bytes at all', () => {
  const bytes = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constant(Buffer.from('\n2026-11-23T07:00:00.000000000Z ')),
      fc.constant(Buffer.from('\n2026-11-23T07:00:00.00')),
      fc.constant(Buffer.from('{"level":30,"msg":"')),
      fc.constant(Buffer.from('\n')),
    ),
    { maxLength: 30 },
  )

  it('are as many lines as they have ends, and can be shown and read by programs', () =>
    fc.assert(
      fc.property(bytes, fc.boolean(), (parts, isTerminal) => {
        const all = Buffer.concat(parts)
        const splitter = new LineSplitter(CAP, JOIN)
        const lines = parts.flatMap((part) => splitter.push(part))
        assert.equal(lines.length, all.filter((byte) => byte === 0x0a).length)
        const source = logSource('hermes-1')
        const funnel = new LogFunnel<LogSource>([source], undefined)
        funnel.push(source, lines.map(parseLine), NOW)
        funnel.endHistory(source)
        const times = new LogTimes({ name: 'Asia/Tokyo', asked: true }, isTerminal)
        const renderer = new LogLineRenderer((_, text) => text, isTerminal, times)
        let shown = 0
        for (let event = funnel.poll(NOW); event !== undefined; event = funnel.poll(NOW)) {
          shown += 1 + event.rest.length
          const text = renderer.render(event)
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          if (isTerminal) assert.doesNotMatch(text, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
          JSON.parse(JSON.stringify(logEventDocument(event)))
        }
        assert.equal(shown, lines.length)
      }),
    ))
})
