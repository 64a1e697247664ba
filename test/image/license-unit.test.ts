import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Config } from '@oclif/core'

/** The bastion's unit that has the license verified at boot. */

const root = fileURLToPath(new URL('../..', import.meta.url))
const path = join(root, 'packer/root/usr/lib/systemd/system/pgctl-license-verify.service')
const hasAnalyzer = spawnSync('systemd-analyze', ['--version']).status === 0

async function settings(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), value as string])
  }
  return found
}

describe('the unit that verifies the license at boot', () => {
  it('runs one command, which there is, with flags that it has', async () => {
    const [exec = '', ...more] = (await settings()).get('ExecStart') ?? []
    assert.deepEqual(more, [])
    const [program, topic, command, ...flags] = exec.split(' ')
    assert.deepEqual([program, topic, command], ['/usr/bin/pgctl', 'license', 'verify'])
    const config = await Config.load({ root })
    const known = Object.keys(config.findCommand('license:verify', { must: true }).flags)
    for (const flag of flags) assert.ok(known.includes(flag.replace(/^--/, '')), flag)
    assert.ok(flags.includes('--boot'))
  })

  it('holds up nothing: whatever comes of it, the bastion starts', async () => {
    const found = await settings()
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
    const text = await readFile(path, 'utf8')
    assert.doesNotMatch(text, /LICENSE=|password|secret|token|AKIA/i)
    const found = await settings()
    assert.deepEqual(found.get('DynamicUser'), ['yes'])
    assert.deepEqual(found.get('CapabilityBoundingSet'), [''])
    assert.equal(found.get('User'), undefined)
  })

  it('is taken by systemd, which finds it well shut in', {
    skip: !hasAnalyzer && 'needs systemd-analyze',
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-unit-'))
    try {
      const copy = join(folder, 'pgctl-license-verify.service')
      // The program is in the image, and not on this computer.
      await writeFile(copy, (await readFile(path, 'utf8')).replace('/usr/bin/pgctl', '/bin/true'))
      const run = promisify(execFile)
      const { stdout, stderr } = await run('systemd-analyze', ['verify', copy])
      assert.equal(stdout + stderr, '')
      // Of ten, by the analyzer's own measure; it fails above.
      await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', copy])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
