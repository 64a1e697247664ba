import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'
import { assertTaken, NEEDS_ANALYZER, unitSettings, unitText } from '../support/unit-files.ts'

/** The bastion's unit that has the license verified at boot. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const UNIT = 'pgctl-license-verify.service'

describe('the unit that verifies the license at boot', () => {
  it('runs one command, which there is, with flags that it has', async () => {
    const [exec = '', ...more] = (await unitSettings(UNIT)).get('ExecStart') ?? []
    assert.deepEqual(more, [])
    const [program, topic, command, ...flags] = exec.split(' ')
    assert.deepEqual([program, topic, command], ['/usr/bin/pgctl', 'license', 'verify'])
    const config = await Config.load({ root })
    const known = Object.keys(config.findCommand('license:verify', { must: true }).flags)
    for (const flag of flags) assert.ok(known.includes(flag.replace(/^--/, '')), flag)
    assert.ok(flags.includes('--boot'))
  })

  it('holds up nothing: whatever comes of it, the bastion starts', async () => {
    const found = await unitSettings(UNIT)
    assert.deepEqual(found.get('WantedBy'), ['multi-user.target'])
    for (const name of ['Before', 'RequiredBy', 'OnFailure', 'FailureAction', 'JobTimeoutAction'])
      assert.equal(found.get(name), undefined, name)
    assert.ok(Number(found.get('TimeoutStartSec')?.[0]) > 0)
    // A target waits for what it wants, unless that begins after it.
    assert.match(found.get('After')?.join(' ') ?? '', /multi-user\.target/)
    // A license that is not in force is a result, and no reason to try again.
    assert.deepEqual(found.get('SuccessExitStatus'), ['5'])
  })

  it('has no rights and no secret of its own', async () => {
    const text = await unitText(UNIT)
    assert.doesNotMatch(text, /LICENSE=|password|secret|token|AKIA/i)
    const found = await unitSettings(UNIT)
    assert.deepEqual(found.get('DynamicUser'), ['yes'])
    assert.deepEqual(found.get('CapabilityBoundingSet'), [''])
    assert.equal(found.get('User'), undefined)
  })

  it('is taken by systemd, which finds it well shut in', NEEDS_ANALYZER, () =>
    assertTaken([UNIT], { shutIn: true }),
  )
})
