import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentFeatures } from '#core/ssm/features.ts'

describe('agentFeatures', { timeout: 5_000 }, () => {
  const rows = [
    { version: '2.3.722.0', multiplexedPorts: false, wantsSmuxKeepAlive: true, why: 'before multiplexing' },
    { version: '3.0.195.9', multiplexedPorts: false, wantsSmuxKeepAlive: true, why: 'the last without' },
    { version: '3.0.196.0', multiplexedPorts: true, wantsSmuxKeepAlive: true, why: 'the first with it' },
    {
      version: '3.1.1511.0',
      multiplexedPorts: true,
      wantsSmuxKeepAlive: true,
      why: 'the last that wants to hear',
    },
    {
      version: '3.1.1512.0',
      multiplexedPorts: true,
      wantsSmuxKeepAlive: false,
      why: 'quiet is fine from here',
    },
    {
      version: '3.10',
      multiplexedPorts: true,
      wantsSmuxKeepAlive: false,
      why: 'parts are numbers, not text',
    },
    { version: 'dev-build', multiplexedPorts: true, wantsSmuxKeepAlive: false, why: 'unknown is new' },
  ]
  for (const { version, why, ...features } of rows) {
    it(`${version}: ${why}`, () => assert.deepEqual(agentFeatures(version), features))
  }
})
