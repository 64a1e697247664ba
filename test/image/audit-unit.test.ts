import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'
import { STREAM_STATUS_FILE } from '#core/audit/status.ts'
import { INSTALLATION_FILE } from '#core/installation/installation-file.ts'
import { assertTaken, NEEDS_ANALYZER, unitSettings } from '../support/unit-files.ts'

/** The bastion's unit that carries the audit's log away. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const UNIT = 'pgctl-audit-stream.service'

describe("the unit that carries the audit's log away", () => {
  it('runs a command that there is, whose files are where the unit lets it write', async () => {
    const found = await unitSettings(UNIT)
    assert.deepEqual(found.get('ExecStart'), ['/usr/bin/pgctl bastion audit-stream'])
    const { flags } = (await Config.load({ root })).findCommand('bastion:audit-stream', { must: true })
    assert.deepEqual(found.get('ConditionPathExists'), [INSTALLATION_FILE, flags['machine']?.default])
    assert.equal(flags['status']?.default, STREAM_STATUS_FILE)
    assert.equal(dirname(STREAM_STATUS_FILE), join('/run', found.get('RuntimeDirectory')?.[0] ?? ''))
    assert.equal(
      dirname(String(flags['place']?.default)),
      join('/var/lib', found.get('StateDirectory')?.[0] ?? ''),
    )
  })

  it('stays away where no log group is named', { skip: spawnSync('jq').error && 'needs jq' }, async () => {
    const [condition = ''] = (await unitSettings(UNIT)).get('ExecCondition') ?? []
    const [, ...words] = condition.split(' ')
    assert.equal(words.pop(), INSTALLATION_FILE)
    const ask = (description: object) =>
      spawnSync('jq', words, { input: JSON.stringify(description), encoding: 'utf8' }).status
    assert.equal(ask({ audit: { logGroup: '/pgctl/acme/audit' } }), 0)
    // Between 1 and 254 systemd leaves it out; any other is a failure.
    for (const without of [{}, { audit: {} }]) assert.equal(ask(without), 1)
  })

  it('is tried again whatever happens, and holds up nothing', async () => {
    const found = await unitSettings(UNIT)
    assert.deepEqual([found.get('Restart'), found.get('StartLimitIntervalSec')], [['on-failure'], ['0']])
    for (const name of ['Before', 'RequiredBy', 'OnFailure', 'FailureAction'])
      assert.equal(found.get(name), undefined)
    // The network it needs to take with it what is at hand is there until it has ended.
    assert.match(found.get('After')?.join(' ') ?? '', /systemd-networkd\.service/)
  })

  it('is taken by systemd, which finds it well shut in', NEEDS_ANALYZER, () =>
    assertTaken([UNIT], { shutIn: true }),
  )
})
