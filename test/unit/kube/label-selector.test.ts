import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLabelSelector } from '#core/kube/label-selector.ts'

describe('isLabelSelector', () => {
  for (const text of [
    'tier=web',
    'tier==web',
    'tier!=web',
    'tier=',
    'canary',
    '!canary',
    'app.kubernetes.io/name=hermes,tier in (web, worker)',
    'tier notin (web),env=test',
  ])
    it(`${text} is one`, () => assert.ok(isLabelSelector(text)))

  for (const text of [
    '',
    'tier=web,',
    'tier=web worker',
    'tier in ()',
    'tier>1=2',
    '-a',
    'a=b&limit=1',
    'a/b/c',
  ])
    it(`${JSON.stringify(text)} is none`, () => assert.ok(!isLabelSelector(text)))
})
