import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { toJson } from '#cli/render/json.ts'

describe('JSON for a program that a terminal may show', { timeout: 20_000 }, () => {
  it('is the same document, whatever is in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
        assert.deepEqual(JSON.parse(toJson(value, indent)), JSON.parse(JSON.stringify(value)))
      }),
      { numRuns: 300 },
    )
  })

  for (const [text, json, reason] of [
    ['\u009b2J', '"\\u009b2J"', 'C1, which JSON itself lets through'],
    ['\u202eabc', '"\\u202eabc"', 'a direction override'],
    ['\u001b[2J', '"\\u001b[2J"', 'C0'],
    ['grüße \u{1f600}', '"grüße \u{1f600}"', 'other scripts and emoji stay as they are'],
  ] as const)
    it(reason, () => assert.equal(toJson(text), json))

  it('keeps the line ends of its indentation', () => {
    assert.equal(toJson({ a: 'b\nc' }, 2), '{\n  "a": "b\\nc"\n}')
  })
})
