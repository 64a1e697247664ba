import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseSessionLimits } from '#core/aws/session-preferences.ts'

const MINUTE = 60_000
const document = (inputs: object) =>
  JSON.stringify({ schemaVersion: '1.0', sessionType: 'Standard_Stream', inputs })

describe('the limits in the session preferences', () => {
  const rows = [
    {
      reason: 'both are set',
      content: document({ idleSessionTimeout: '5', maxSessionDuration: '60' }),
      idle: 5,
      maximum: 60,
    },
    {
      reason: 'they are written as numbers',
      content: document({ idleSessionTimeout: 5, maxSessionDuration: 60 }),
      idle: 5,
      maximum: 60,
    },
    {
      reason: 'no longest time is set',
      content: document({ idleSessionTimeout: '60', maxSessionDuration: '' }),
      idle: 60,
      maximum: undefined,
    },
    { reason: 'nothing is set', content: document({}), idle: 20, maximum: undefined },
    {
      reason: 'the document has no inputs',
      content: '{"schemaVersion":"1.0"}',
      idle: 20,
      maximum: undefined,
    },
    { reason: 'there is no document', content: '', idle: 20, maximum: undefined },
    { reason: 'it is not JSON', content: '---\nschemaVersion: "1.0"', idle: 20, maximum: undefined },
    { reason: 'it is JSON of another shape', content: 'null', idle: 20, maximum: undefined },
    {
      reason: 'values are out of bounds',
      content: document({ idleSessionTimeout: '61', maxSessionDuration: '1441' }),
      idle: 20,
      maximum: undefined,
    },
    {
      reason: 'values are nonsense',
      content: document({ idleSessionTimeout: '0', maxSessionDuration: 'soon' }),
      idle: 20,
      maximum: undefined,
    },
    {
      reason: 'values are of another kind',
      content: document({ idleSessionTimeout: ['5'], maxSessionDuration: true }),
      idle: 20,
      maximum: undefined,
    },
  ]
  for (const { reason, content, idle, maximum } of rows) {
    it(`are ${idle} min idle and ${maximum ?? 'no'} maximum when ${reason}`, () => {
      const limits = parseSessionLimits(content)
      assert.deepEqual(limits, {
        idle: idle * MINUTE,
        maximum: maximum === undefined ? undefined : maximum * MINUTE,
      })
    })
  }
})
