import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFilter, type LogFilter } from '#core/logs/filter.ts'

const NOTHING: LogFilter = { include: [], exclude: [], level: undefined }
const WARNING = '{"level":40,"msg":"slow"}'

describe('createFilter', () => {
  it('is none where everything passes', () => assert.equal(createFilter(NOTHING), undefined))

  for (const [why, filter, text, want] of [
    ['any of several patterns', { include: [/a/, /b/] }, 'b', true],
    ['none of them', { include: [/a/, /b/] }, 'c', false],
    ['what is excluded', { exclude: [/healthz/] }, 'GET /healthz', false],
    ['excluded, although it matches', { include: [/GET/], exclude: [/healthz/] }, 'GET /healthz', false],
    ['grave enough', { level: 'warn' }, WARNING, true],
    ['not grave enough', { level: 'error' }, WARNING, false],
    ['a line that tells no level', { level: 'error' }, 'disk full', true],
    ['grave, and no match', { include: [/fast/], level: 'warn' }, WARNING, false],
  ] as const)
    it(`${want ? 'passes' : 'keeps back'} ${why}`, () =>
      assert.equal(createFilter({ ...NOTHING, ...filter })?.(text), want))
})
