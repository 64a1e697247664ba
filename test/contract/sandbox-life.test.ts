/** A sandbox from its start to its end, the ends included that nobody planned. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { systemClock } from '#core/io/system-clock.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { AdminClient } from '#sandbox/admin-client.ts'
import { detachSandbox } from '#sandbox/detach.ts'
import { DEFAULT_PORT } from '#sandbox/life.ts'
import { runningRecord, type SandboxFolder, SandboxFolders } from '#sandbox/state.ts'
import { stopSandbox } from '#sandbox/stop.ts'
import { WORLD } from '#sandbox/world.ts'

const script = fileURLToPath(new URL('../support/sandbox-process.ts', import.meta.url))
const never = new AbortController().signal

let state: string
let folders: SandboxFolders

before(async () => {
  state = await mkdtemp(join(tmpdir(), 'pgctl-life-'))
  folders = new SandboxFolders(state, systemProcesses)
})
afterEach(async () => {
  for (const folder of await folders.all()) await stop(folder)
})
after(() => rm(state, { recursive: true, force: true }))

const start = (folder: SandboxFolder) => detachSandbox(folder, [script, state, folder.name], never)
const stop = (folder: SandboxFolder) =>
  stopSandbox(folder, { clock: systemClock, isAlive: systemProcesses.isAlive })
const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

async function pidOf(folder: SandboxFolder): Promise<number> {
  const condition = await folder.condition()
  assert.ok(condition.kind === 'running')
  return condition.owner.pid
}

/** Ends the process as a crash does, and waits until it is gone. */
async function crash(folder: SandboxFolder): Promise<void> {
  const condition = await folder.condition()
  assert.ok(condition.kind !== 'absent' && condition.owner)
  process.kill(condition.owner.pid, 'SIGKILL')
  while (await systemProcesses.isAlive(condition.owner))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the life of a sandbox', { timeout: 60_000 }, () => {
  it('comes up, answers, tells how to reach it, and leaves nothing behind', async () => {
    const folder = folders.named('one')
    assert.deepEqual(await folder.condition(), { kind: 'absent' })
    await start(folder)
    const record = await runningRecord(folder)
    const sts = new STSClient({
      region: WORLD.region,
      endpoint: record.plainEndpoint,
      credentials: record.operatorKey,
      maxAttempts: 1,
    })
    assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, WORLD.account)
    sts.destroy()
    assert.equal((await new AdminClient(record).statistics()).sessionsStarted, 0)
    assert.match(await readFile(folder.configPath, 'utf8'), new RegExp(`workspace: ${WORLD.workspace}`))
    assert.match(await readFile(folder.authorityPath, 'utf8'), /BEGIN CERTIFICATE/)
    assert.equal(await stop(folder), 'stopped')
    assert.equal(await exists(join(state, 'sandbox')), false)
  })

  it('keeps its secrets to its user', async () => {
    const folder = folders.named('private')
    await start(folder)
    for (const path of [join(state, 'sandbox'), folder.path])
      assert.equal((await stat(path)).mode & 0o777, 0o700, path)
    for (const file of ['process.json', 'state.json', 'config.yaml', 'ca.pem'])
      assert.equal((await stat(join(folder.path, file))).mode & 0o777, 0o600, file)
    assert.equal((await stat(folder.logPath)).mode & 0o777, 0o600)
  })

  it('listens on the loopback and nowhere else', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const folder = folders.named('inside')
    await start(folder)
    const addresses = await listeningAddresses(await pidOf(folder))
    // Endpoint, two Kubernetes APIs, Grafana, payload, product; seven databases and nine nodes of caches.
    assert.deepEqual(
      addresses,
      Array.from({ length: 22 }, () => '0100007F'),
    )
  })

  it('two names run side by side, and end apart', async () => {
    const [one, other] = [folders.named('left'), folders.named('right')]
    await Promise.all([start(one), start(other)])
    assert.notEqual((await runningRecord(one)).endpoint, (await runningRecord(other)).endpoint)
    assert.equal(await stop(one), 'stopped')
    assert.equal((await other.condition()).kind, 'running')
    assert.deepEqual(
      (await folders.all()).map(({ name }) => name),
      ['right'],
    )
  })

  it('takes another port when its own is taken', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => {
      blocker.once('error', () => resolve())
      blocker.listen(DEFAULT_PORT, '127.0.0.1', resolve)
    })
    try {
      const folder = folders.named('moved')
      await start(folder)
      assert.notEqual(new URL((await runningRecord(folder)).endpoint).port, String(DEFAULT_PORT))
    } finally {
      blocker.close()
    }
  })

  it('a second start of the same name is refused, and the first goes on', async () => {
    const folder = folders.named('twice')
    await start(folder)
    const pid = await pidOf(folder)
    await assert.rejects(start(folder), { code: 'sandbox-running' })
    await assert.rejects(folder.claim(), { code: 'sandbox-running' })
    assert.equal(await pidOf(folder), pid)
  })

  it('of two starts at the same time one succeeds', async () => {
    const folder = folders.named('race')
    const outcomes = await Promise.allSettled([start(folder), start(folder)])
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    assert.equal((await folder.condition()).kind, 'running')
  })

  it('one that was killed is recognised, cleaned, and may start again', async () => {
    const folder = folders.named('killed')
    await start(folder)
    await crash(folder)
    const condition = await folder.condition()
    assert.equal(condition.kind, 'broken')
    await assert.rejects(runningRecord(folder), { code: 'sandbox-broken' })
    await start(folder)
    await crash(folder)
    assert.equal(await stop(folder), 'cleaned')
    assert.equal(await exists(folder.path), false)
    assert.equal(await stop(folder), 'absent')
  })

  it('ends the commands of sessions that a killed one has left', {
    skip: process.platform !== 'linux' && 'needs /proc',
  }, async () => {
    const folder = folders.named('orphans')
    await start(folder)
    await crash(folder)
    const node = (home: string) =>
      spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1e6)'], {
        env: { HOME: home },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    const [orphan, stranger] = [
      node(join(folder.temporaryPath, 'home')),
      node(`${folder.temporaryPath}-other`),
    ]
    await Promise.all([orphan, stranger].map((child) => once(child.stdout, 'data')))
    const ended = once(orphan, 'exit')
    assert.equal(await stop(folder), 'cleaned')
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    assert.equal(stranger.exitCode ?? stranger.signalCode, null)
    stranger.kill()
    await once(stranger, 'exit')
  })

  it('does not take another process for it that was given its number', async () => {
    const folder = folders.named('reused')
    await start(folder)
    await crash(folder)
    const self = await systemProcesses.self()
    await writeFile(join(folder.path, 'process.json'), JSON.stringify({ ...self, start: `${self.start}0` }))
    assert.equal((await folder.condition()).kind, 'broken')
    // This test is that other process: it is still here afterwards.
    assert.equal(await stop(folder), 'cleaned')
  })

  it('one whose record is damaged is half dead, and ends all the same', async () => {
    const folder = folders.named('damaged')
    await start(folder)
    await writeFile(join(folder.path, 'state.json'), '{"endpoint":')
    const condition = await folder.condition()
    assert.ok(condition.kind === 'broken' && condition.owner !== undefined)
    await assert.rejects(start(folder), { code: 'sandbox-broken' })
    assert.equal(await stop(folder), 'stopped')
    assert.equal(await exists(folder.path), false)
  })

  const REMAINS = [
    { what: 'an empty folder', files: {} },
    { what: 'a start that was cut short', files: { 'ca.pem': 'x' } },
    { what: 'a word on its process that cannot be read', files: { 'process.json': '{' } },
    {
      what: 'a process of another machine',
      files: { 'process.json': '{"machine":"elsewhere.example","pid":1,"start":"x"}' },
    },
  ]
  for (const { what, files } of REMAINS)
    it(`cleans up ${what}`, async () => {
      const folder = folders.named('remains')
      await folder.claim()
      await rm(join(folder.path, 'process.json'))
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder.path, name), content)
      assert.equal((await folder.condition()).kind, 'broken')
      assert.equal(await stop(folder), 'cleaned')
      assert.deepEqual(await readdir(state), [])
    })

  it('says what kept it from coming up, and leaves the log', async () => {
    const folder = folders.named('stillborn')
    const failing = ['-e', 'console.error("no such thing"); process.exit(3)']
    await assert.rejects(
      detachSandbox(folder, failing, never),
      (error: { code: string; why: string; next: string }) => {
        assert.equal(error.code, 'sandbox-broken')
        assert.match(error.why, /no such thing/)
        assert.match(error.next, /stillborn\.log/)
        return true
      },
    )
    assert.match(await readFile(folder.logPath, 'utf8'), /no such thing/)
    assert.equal(await stop(folder), 'absent')
    assert.equal(await exists(folder.logPath), false)
  })

  it('refuses names that are paths', () => {
    for (const name of ['', '..', 'a/b', 'A', '-x', 'x'.repeat(42)])
      assert.throws(() => folders.named(name), { code: 'usage' })
  })
})

/** The local addresses, as the kernel writes them, on which a process listens. */
async function listeningAddresses(pid: number): Promise<string[]> {
  const sockets = new Set<string>()
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''))?.[1]
    if (inode !== undefined) sockets.add(inode)
  }
  const LISTEN = '0A'
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  )
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && sockets.has(fields[9] ?? ''))
    .map((fields) => fields[1]?.split(':')[0] ?? '')
}
