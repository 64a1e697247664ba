import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { DATABASE_LOGIN } from '#sandbox/datastores/logins.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import type { KubeObject } from '#sandbox/kubernetes/objects.ts'
import { WORLD } from '#sandbox/world.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** A point's fingerprint, taken over the wire of Kubernetes by the CLI, and what `verify` makes of it later. */

const NAME = 'paragon-secrets'

describe('the fingerprint of a recovery point', { timeout: 120_000 }, () => {
  let person: SandboxCli
  let values: string[]

  before(async () => {
    person = await startSandboxCli({ snapshotTakes: 0 })
    // Where a database is, and what it is called, is told elsewhere as well.
    const secrets = Object.entries(entries()).filter(
      ([name]) => !/_(HOST|PORT|USER|DATABASE|URL)$/.test(name),
    )
    // The password of the sandbox's database is a word that its output has anyway.
    values = secrets
      .map(([, value]) => Buffer.from(value, 'base64').toString())
      .filter((value) => value !== DATABASE_LOGIN.password)
    const { status, stderr } = await person.run(['snapshots', 'create'])
    assert.equal(status, 0, stderr)
    assert.doesNotMatch(stderr, /no fingerprint/)
  })
  after(() => person?.[Symbol.asyncDispose]())

  const objects = () => person.sandbox.kubernetes.cluster.objects
  const secret = () => objects().get('secrets', WORLD.namespace, NAME) as KubeObject
  const entries = () => secret()['data'] as Record<string, string>
  const set = (data: Record<string, string>) => objects().put('secrets', { ...secret(), data })
  const verify = async () => {
    const { stdout, status } = await person.run(['snapshots', 'verify', '--json'])
    const { checks } = JSON.parse(stdout) as { checks: { passed: boolean; says: string }[] }
    return { status, failed: checks.filter(({ passed }) => !passed).map(({ says }) => says) }
  }
  const stateFiles = async () => {
    const folder = join(person.home, 'state')
    const names = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
    return await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const))
  }

  it('is shown with the point: names of entries, charts and a digest of their values', async () => {
    const { stdout } = await person.run(['snapshots', 'show', 'newest', '--json'])
    const { fingerprint } = JSON.parse(stdout)
    assert.ok(fingerprint.secrets.includes(`${NAME}/CREDENTIALS_ENCRYPTION_KEY`))
    assert.deepEqual(
      fingerprint.releases.map(({ name, chart }: { name: string; chart: string }) => [name, chart]).sort(),
      [
        ['paragon-logging', 'paragon-logging-1.4.0'],
        ['paragon-monitoring', 'paragon-monitoring-1.9.2'],
        ['paragon-on-prem', 'paragon-on-prem-2026.11.3'],
      ],
    )
  })

  it('holds no value, in no form, in any file of the state or line of the output', async () => {
    const { stdout, stderr } = await person.run(['snapshots', 'show', 'newest', '--json', '--debug'])
    const texts = [...(await stateFiles()).map(([, text]) => text), stdout, stderr]
    for (const text of texts)
      for (const value of values) {
        assert.ok(!text.includes(value))
        assert.ok(!text.includes(Buffer.from(value).toString('base64')))
      }
    assert.ok((await stateFiles()).some(([file]) => file.includes('fingerprints')))
  })

  it('verify passes while everything is there', async () => {
    assert.deepEqual(await verify(), { status: 0, failed: [] })
  })

  it('verify fails when an entry is gone, and passes once it is back', async () => {
    const all = entries()
    const { LICENSE: _, ...rest } = all
    set(rest)
    const { status, failed } = await verify()
    assert.equal(status, 5)
    assert.match(failed.join(), /paragon-secrets\/LICENSE is gone/)
    set(all)
    assert.equal((await verify()).status, 0)
  })

  it('verify fails when a key is another, and not when a password is', async () => {
    const all = entries()
    set({ ...all, POSTGRES_PASSWORD: 'bmV3' })
    assert.equal((await verify()).status, 0)
    set({ ...all, CREDENTIALS_ENCRYPTION_KEY: 'bmV3' })
    assert.match((await verify()).failed.join(), /CREDENTIALS_ENCRYPTION_KEY is not what it was/)
    set(all)
  })

  it('who may not read secrets makes points without a fingerprint, and no verify passes unseen', async () => {
    person.sandbox.cloud.state.turn({ ...DEFAULT_KNOBS, forbid: ['get secrets'] })
    const created = await person.run(['snapshots', 'create'])
    assert.equal(created.status, 0)
    assert.match(created.stderr, /the point has no fingerprint of the cluster's keys: .*secrets/)
    const { status, failed } = await verify()
    assert.equal(status, 5)
    assert.match(failed.join(), /could not be looked at/)
    person.sandbox.cloud.state.turn(DEFAULT_KNOBS)
  })

  it('--no-fingerprint asks the cluster nothing', async () => {
    const before = person.sandbox.cloud.gateway.statistics().sessionsStarted
    const { status } = await person.run(['snapshots', 'create', '--no-fingerprint'])
    assert.equal(status, 0)
    assert.equal(person.sandbox.cloud.gateway.statistics().sessionsStarted, before)
  })

  it('a new point that has none is given one by verify, unless it is told not to look', async () => {
    const newest = async () => {
      const { stdout } = await person.run(['snapshots', 'show', 'newest', '--json'])
      return JSON.parse(stdout).fingerprint
    }
    assert.equal(await newest(), null)
    await person.run(['snapshots', 'verify', '--no-fingerprint'])
    assert.equal(await newest(), null)
    assert.deepEqual(await verify(), { status: 0, failed: [] })
    assert.ok((await newest()).secrets.includes(`${NAME}/CREDENTIALS_ENCRYPTION_KEY`))
  })
})
