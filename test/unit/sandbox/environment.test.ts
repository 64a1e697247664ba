import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { environmentOf, leftInEnvironment } from '#sandbox/environment.ts'

const SANDBOX = {
  endpoint: 'https://127.0.0.1:18443',
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'secret',
  authorityPath: '/state/sandbox/default/ca.pem',
  configPath: '/state/sandbox/default/config.yaml',
}

describe('the variables of a sandbox', () => {
  it('none is set and unset at once', () => {
    const { set, unset } = environmentOf(SANDBOX)
    assert.deepEqual(
      unset.filter((name) => name in set),
      [],
    )
  })

  it('those of a sandbox that has ended are named', () => {
    const { set } = environmentOf(SANDBOX)
    assert.deepEqual(leftInEnvironment({ ...set, HOME: '/home/me' }, SANDBOX.authorityPath), Object.keys(set))
  })

  it('those of another sandbox, or of none, are left alone', () => {
    const { set } = environmentOf(SANDBOX)
    assert.deepEqual(leftInEnvironment(set, '/state/sandbox/other/ca.pem'), [])
    assert.deepEqual(leftInEnvironment({ AWS_REGION: 'eu-central-1' }, SANDBOX.authorityPath), [])
  })
})
