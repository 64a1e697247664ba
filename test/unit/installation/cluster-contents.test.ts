import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isManaged, readContents } from '#core/installation/cluster-contents.ts'
import { PARAGON } from '../../support/product-profile.ts'

const RELEASE = 'app.kubernetes.io/instance'
const service = (name: string, release?: string) => ({
  name,
  labels: release === undefined ? {} : { [RELEASE]: release },
})

describe('what runs in the cluster', () => {
  it('is what belongs to a release of the product, and what bears one of its names', () => {
    const there = [
      service('hermes', 'paragon-on-prem'),
      service('hermes-canary', 'paragon-on-prem'),
      service('cerberus'),
      service('customers-own', 'their-release'),
      service('kubernetes'),
    ]
    assert.deepEqual(readContents(there, PARAGON), {
      services: ['cerberus', 'hermes', 'hermes-canary'],
      monitors: [],
    })
  })

  it('tells monitors from services, whatever release they are of', () => {
    const there = [service('grafana', 'paragon-monitoring'), service('pgadmin', 'theirs'), service('hermes')]
    assert.deepEqual(readContents(there, PARAGON), { services: ['hermes'], monitors: ['grafana', 'pgadmin'] })
  })

  for (const [why, contents, managed] of [
    ['has monitors', { services: [], monitors: ['grafana'] }, true],
    ['has none', { services: ['hermes'], monitors: [] }, false],
    ['was not asked', undefined, undefined],
  ] as const)
    it(`is ${managed ?? 'not known to be'} managed where the cluster ${why}`, () =>
      assert.equal(isManaged(contents), managed))
})
