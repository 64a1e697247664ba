import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { carry } from '#cli/carry.ts'

describe('an environment for a process that runs elsewhere', () => {
  it('names files by their whole names, and leaves everything else alone', () => {
    const environment = {
      PGCTL_CONFIG: 'mine.yaml',
      AWS_CONFIG_FILE: '../aws/config',
      AWS_CA_BUNDLE: '/etc/ca.pem',
      AWS_PROFILE: 'mine.yaml',
      NODE_EXTRA_CA_CERTS: '',
    }
    assert.deepEqual(carry(environment, '/home/me/work'), {
      ...environment,
      PGCTL_CONFIG: '/home/me/work/mine.yaml',
      AWS_CONFIG_FILE: '/home/me/aws/config',
    })
  })
})
