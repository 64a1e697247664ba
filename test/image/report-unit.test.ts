import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Config } from '@oclif/core'
import { MOTD_FACTS_FILE } from '#core/bastion/motd.ts'
import { INSTALLATION_FILE } from '#core/installation/installation-file.ts'
import { assertTaken, NEEDS_ANALYZER, unitSettings } from '../support/unit-files.ts'

/** The bastion's unit that says once a minute what it does. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const SERVICE = 'pgctl-bastion-report.service'
const TIMER = 'pgctl-bastion-report.timer'

describe('the unit that says what the bastion does', () => {
  it('runs a command that there is, where there is an installation to say it for', async () => {
    const found = await unitSettings(SERVICE)
    assert.match(found.get('ExecStart')?.[0] ?? '', /\$\(\/usr\/bin\/pgctl bastion report\)/)
    const { flags } = (await Config.load({ root })).findCommand('bastion:report', { must: true })
    assert.deepEqual(found.get('ConditionPathExists'), [INSTALLATION_FILE, flags['machine']?.default])
    assert.equal(flags['facts']?.default, MOTD_FACTS_FILE)
    assert.equal(join('/run', found.get('RuntimeDirectory')?.[0] ?? '', 'motd.json'), MOTD_FACTS_FILE)
  })

  it('speaks more often than its word grows old, and holds up no boot', async () => {
    const timer = await unitSettings(TIMER)
    assert.deepEqual([timer.get('OnUnitInactiveSec'), timer.get('WantedBy')], [['60s'], ['timers.target']])
    const service = await unitSettings(SERVICE)
    for (const name of ['WantedBy', 'RequiredBy', 'Before', 'OnFailure'])
      assert.equal(service.get(name), undefined, name)
  })

  it('tells people what the command prints, and nothing when it prints nothing or fails', async () => {
    const [exec = ''] = (await unitSettings(SERVICE)).get('ExecStart') ?? []
    const script = /^\/bin\/sh -c '(.*)'$/.exec(exec)?.[1]?.replaceAll('%%', '%') ?? ''
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-unit-'))
    try {
      const run = async (pgctl: string) => {
        await writeFile(join(folder, 'pgctl'), `#!/bin/sh\n${pgctl}\n`, { mode: 0o755 })
        await writeFile(join(folder, 'wall'), '#!/bin/sh\nsed "s/^/told: /"\n', { mode: 0o755 })
        const { status, stdout } = spawnSync(
          '/bin/sh',
          ['-c', script.replace('/usr/bin/pgctl', join(folder, 'pgctl'))],
          { env: { PATH: `${folder}:/usr/bin:/bin` }, encoding: 'utf8' },
        )
        return [status, stdout]
      }
      assert.deepEqual(await run('echo "one of two"; echo two'), [0, 'told: one of two\ntold: two\n'])
      assert.deepEqual(await run('true'), [0, ''])
      assert.deepEqual(await run('echo half; exit 7'), [7, ''])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('is taken by systemd', NEEDS_ANALYZER, () => assertTaken([SERVICE, TIMER], { shutIn: false }))
})
