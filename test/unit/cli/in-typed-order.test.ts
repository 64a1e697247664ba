import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inTypedOrder } from '#cli/in-typed-order.ts'

describe('words in the order in which they were typed', () => {
  for (const [why, typed, parsed] of [
    ['nothing', ['--json'], []],
    ['words among flags', ['grafana', '--port', '0', 'cluster'], ['grafana', 'cluster']],
    [
      'an address twice, the second time by an instance',
      ['db:5432', 'i-1', 'db:5432'],
      ['db:5432', 'db:5432', 'i-1'],
    ],
    [
      'a word that is also the value of a flag',
      ['--reason', 'grafana', 'cluster', 'grafana'],
      ['grafana', 'cluster'],
    ],
  ] as const)
    it(why, () => {
      const words = inTypedOrder(typed, parsed)
      assert.deepEqual(words.toSorted(), parsed.toSorted())
      if (why.startsWith('an address')) assert.deepEqual(words, typed)
    })
})
