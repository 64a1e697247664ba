import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Config } from '@oclif/core'
import { MOTD_FACTS_FILE } from '#core/bastion/motd.ts'
import { INSTALLATION_FILE } from '#core/installation/installation-file.ts'

/** The bastion's unit that says once a minute what it does. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const files = join(root, 'packer/root/usr/lib/systemd/system')
const hasAnalyzer = spawnSync('systemd-analyze', ['--version']).status === 0

async function settings(name: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const line of (await readFile(join(files, name), 'utf8')).split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), value as string])
  }
  return found
}

describe('the unit that says what the bastion does', () => {
  it('runs a command that there is, where there is an installation to say it for', async () => {
    const found = await settings('pgctl-bastion-report.service')
    assert.match(found.get('ExecStart')?.[0] ?? '', /\$\(\/usr\/bin\/pgctl bastion report\)/)
    const { flags } = (await Config.load({ root })).findCommand('bastion:report', { must: true })
    assert.deepEqual(found.get('ConditionPathExists'), [INSTALLATION_FILE, flags['machine']?.default])
    assert.equal(flags['facts']?.default, MOTD_FACTS_FILE)
    assert.equal(join('/run', found.get('RuntimeDirectory')?.[0] ?? '', 'motd.json'), MOTD_FACTS_FILE)
  })

  it('speaks more often than its word grows old, and holds up no boot', async () => {
    const timer = await settings('pgctl-bastion-report.timer')
    assert.deepEqual([timer.get('OnUnitInactiveSec'), timer.get('WantedBy')], [['60s'], ['timers.target']])
    const service = await settings('pgctl-bastion-report.service')
    for (const name of ['WantedBy', 'RequiredBy', 'Before', 'OnFailure'])
      assert.equal(service.get(name), undefined, name)
  })

  it('tells people what the command prints, and nothing when it prints nothing or fails', async () => {
    const [exec = ''] = (await settings('pgctl-bastion-report.service')).get('ExecStart') ?? []
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

  it('is taken by systemd', { skip: !hasAnalyzer && 'needs systemd-analyze' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-unit-'))
    try {
      for (const name of ['pgctl-bastion-report.service', 'pgctl-bastion-report.timer'])
        await writeFile(join(folder, name), await readFile(join(files, name), 'utf8'))
      const units = ['service', 'timer'].map((kind) => join(folder, `pgctl-bastion-report.${kind}`))
      const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', ...units])
      assert.equal(stdout + stderr, '')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
