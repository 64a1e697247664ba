import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { changeOfWords, wordsOfKnobs } from '#sandbox/knob-words.ts'
import { DEFAULT_KNOBS, type Knobs, type KnobsChange } from '#sandbox/knobs.ts'

describe('knobs in words', () => {
  const ROWS: ReadonlyArray<[words: string[], change: KnobsChange]> = [
    [['bastion=stopped'], { bastion: 'stopped' }],
    [['exposed=bastion-port,bucket', 'deny='], { exposed: ['bastion-port', 'bucket'], deny: [] }],
    [['idle=5000', 'maximum=null'], { idle: 5000, maximum: null }],
    [['throttle={"*":3}'], { throttle: { '*': 3 } }],
    [['account=999900001111'], { account: '999900001111' }],
    [[], {}],
  ]
  for (const [words, change] of ROWS)
    it(`${words.join(' ') || 'none'}`, () => assert.deepEqual(changeOfWords(words), change))

  it('that were written are read as they were', () => {
    const turned: Knobs = {
      ...DEFAULT_KNOBS,
      exposed: ['cluster', 'bucket'],
      fail: { 'ec2:DescribeVpcs': 'always' },
      pageSize: 3,
      maximum: 60_000,
    }
    for (const knobs of [DEFAULT_KNOBS, turned]) {
      const words = wordsOfKnobs(knobs)
      assert.deepEqual(changeOfWords(words.map(({ text }) => text)), knobs)
    }
    assert.deepEqual(
      wordsOfKnobs(turned).flatMap((word) => (word.turned ? [word.text] : [])),
      ['fail={"ec2:DescribeVpcs":"always"}', 'pageSize=3', 'exposed=cluster,bucket', 'maximum=60000'],
    )
  })

  for (const word of [
    'bastion',
    '=x',
    'bastoin=stopped',
    'bastion=asleep',
    'idle=soon',
    'throttle=2',
    'deny=x',
  ])
    it(`refuses ${word}`, () => {
      assert.throws(
        () => changeOfWords([word]),
        (error) => isPgctlError(error, 'usage'),
      )
    })
})
