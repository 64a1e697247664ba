import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ACKNOWLEDGEMENT_PATIENCE, AgentSilence, SILENCE_WARNING } from '#core/ssm/agent-silence.ts'
import { at } from '../../support/scripted-agent.ts'

/** Ticks at every deadline until `until`, and gives what was said with its moment. */
function pass(silence: AgentSilence, until: number): [number, string][] {
  const said: [number, string][] = []
  for (let due = silence.deadline(); due !== undefined && due <= until; due = silence.deadline()) {
    const word = silence.check(at(due))
    if (word !== undefined) said.push([due, word])
    if (word === 'forsaken') break
  }
  return said
}

describe('the silence of an agent', { timeout: 5_000 }, () => {
  it('is told once after ten seconds, and is the end after five minutes', () => {
    const silence = new AgentSilence()
    silence.run(at(1_000))
    assert.deepEqual(pass(silence, 1_000_000), [
      [1_000 + SILENCE_WARNING, 'warning'],
      [1_000 + ACKNOWLEDGEMENT_PATIENCE, 'forsaken'],
    ])
  })

  it('is over at an acknowledgement, which says how long it was if it was told of', () => {
    const silence = new AgentSilence()
    silence.run(at(0))
    pass(silence, 9_000)
    assert.equal(silence.heard(at(9_000)), undefined, 'nobody was told')
    assert.deepEqual(pass(silence, 20_999), [[19_000, 'warning']], 'counted from the acknowledgement')
    assert.equal(silence.heard(at(21_000)), 12_000)
    assert.equal(silence.heard(at(21_001)), undefined)
    assert.deepEqual(
      pass(silence, 40_000).map(([, word]) => word),
      ['warning'],
      'another silence is another warning',
    )
  })

  it('stands still while nothing could be heard, and goes on where it was', () => {
    const silence = new AgentSilence()
    silence.run(at(0))
    pass(silence, 8_000)
    silence.pause(at(8_000))
    assert.equal(silence.deadline(), undefined)
    assert.equal(silence.check(at(3_600_000)), undefined)
    silence.run(at(3_600_000))
    assert.equal(silence.check(at(3_601_999)), undefined)
    assert.equal(silence.check(at(3_602_000)), 'warning')
  })

  it('does not count what the computer slept through', () => {
    const silence = new AgentSilence()
    silence.run(at(0))
    assert.equal(silence.check(at(8 * 3_600_000)), undefined)
    assert.equal(silence.silentFor, 0)
  })
})
