import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { writeParameter } from '#core/aws/parameters.ts'
import { parseActivity } from '#core/bastion/activity.ts'
import { readKernelFiles } from '#core/bastion/io/kernel-files.ts'
import { changeLife } from '#core/bastion/io/life-store.ts'
import { withDone } from '#core/bastion/life-state.ts'
import { parseMotdFacts } from '#core/bastion/motd.ts'
import { activityKey } from '#core/bastion/names.ts'
import { isPgctlError } from '#core/errors.ts'
import { formatInstallationFile } from '#core/installation/installation-file.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { licenseParameter, tableName } from '#core/stack/names.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { reportActivity } from '../../cli/bastion-report.ts'
import { exitStatusOf } from '../../cli/exit-codes.ts'
import { freePorts } from '../support/free-port.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/** What the bastion's unit says once a minute: read from a kernel, this one and a made one, and written to the table. */

const { workspace, region, account, bastion } = ACME
const UNITS = new URL('../../packer/root/usr/lib/systemd/system/', import.meta.url)

describe('the report of a bastion', { timeout: 60_000 }, () => {
  let cloud: TestCloud
  let agents: OutboundAgents
  let folder: string

  const forget = () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
  }
  before(async () => {
    forget()
    cloud = await startTestCloud()
    agents = createOutboundAgents({})
    folder = await mkdtemp(join(tmpdir(), 'pgctl-report-'))
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.url,
      AWS_ACCESS_KEY_ID: cloud.agent.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.agent.secretAccessKey,
    })
    const file = { name: 'acme', workspace, region, account, product: 'paragon' }
    await writeFile(join(folder, 'installation.yaml'), formatInstallationFile(file))
    await writeFile(join(folder, 'instance-id'), `${bastion.instanceId}\n`)
    await writeFile(join(folder, 'image.json'), '{"tools": {"kubectl": "1.35.2", "helm": "3.20.2"}}')
    await makeProc(join(folder, 'proc'))
  })
  after(async () => {
    forget()
    agents.close()
    await cloud[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const connection = () =>
    connectAws({ region, environment: process.env, agents, clock: systemClock, version: '0' })
  const table = () => createDocumentTable(connection(), tableName(workspace))
  const facts = () => join(folder, 'run/pgctl/motd.json')
  const report = () =>
    reportActivity(
      {
        ...{ installation: join(folder, 'installation.yaml'), machine: join(folder, 'instance-id') },
        ...{ versions: join(folder, 'image.json'), proc: join(folder, 'proc'), facts: facts() },
        audit: join(folder, 'stream.json'),
      },
      { environment: process.env, version: '0.1.0' },
      new AbortController().signal,
    )

  it('counts what goes on, and says it for this machine', async () => {
    assert.deepEqual(await report(), [])
    const stored = await table().read(activityKey(workspace))
    const { at, ...rest } = Object(stored?.value) as { at: number }
    assert.ok(Math.abs(Date.now() - at) < 60_000)
    assert.deepEqual(rest, {
      ...{ v: 1, machine: bastion.instanceId, connections: 1, programs: 2, audit: null },
      sessions: ['ada-0a1b2c3d4e5f6g7h8i9j'],
    })
  })

  it('puts down what everybody may read, and the license and the life where it may know them', async () => {
    const publication = { verdict: 'valid', sentence: 'it is in force', until: null }
    await writeParameter(connection(), licenseParameter(workspace), JSON.stringify(publication))
    await report()
    const written = parseMotdFacts(await readFile(facts(), 'utf8'))
    assert.deepEqual(written?.versions, { pgctl: '0.1.0', kubectl: '1.35.2', helm: '3.20.2' })
    assert.deepEqual(written?.license, publication)
    assert.deepEqual(written?.life, { rules: null, stale: false, leases: [] }, 'nothing has looked yet')
    const rules = { idleAfter: 45 * 60_000, hours: 'Mon-Fri 08:00-18:00 Europe/Berlin' }
    await changeLife(table(), workspace, (state) => ({ ...state, rules }))
    await report()
    assert.deepEqual(parseMotdFacts(await readFile(facts(), 'utf8'))?.life, {
      rules,
      stale: false,
      leases: [],
    })
    assert.equal((await stat(facts())).mode & 0o777, 0o644)
    cloud.cloud.state.turn({ deny: ['ssm:GetParameter'] })
    await report()
    assert.equal(parseMotdFacts(await readFile(facts(), 'utf8'))?.license, null)
    cloud.cloud.state.turn({ deny: [] })
  })

  it('says how its audit log is carried away, where a log group is named', async () => {
    const audit = async () => parseActivity((await table().read(activityKey(workspace)))?.value)?.audit
    const described = JSON.parse(await readFile(join(folder, 'installation.yaml'), 'utf8'))
    const text = JSON.stringify({ ...described, audit: { logGroup: '/pgctl/acme/audit' } })
    await writeFile(join(folder, 'installation.yaml'), text)
    await report()
    // Nothing carries it away, since the machine started.
    const silent = await audit()
    assert.ok(Math.abs((silent?.at ?? 0) - (Date.now() - 3_600_000)) < 60_000)
    assert.deepEqual([silent?.oldest, silent?.trouble], [null, null])
    const status = { v: 1, at: 7, oldest: 5, trouble: 'throttled', shipped: 1, refused: 0, moved: 0 }
    await writeFile(join(folder, 'stream.json'), JSON.stringify(status))
    await report()
    assert.deepEqual(await audit(), { at: 7, oldest: 5, trouble: 'throttled' })
    await writeFile(join(folder, 'installation.yaml'), JSON.stringify(described))
    await report()
    assert.equal(await audit(), null)
  })

  it('tells those who will be ended, and only while that is news', async () => {
    const warn = (ago: number) =>
      changeLife(table(), workspace, (state) =>
        withDone(state, [{ at: Date.now() - ago, what: 'warn ada-0a1b', why: 'its client has gone' }]),
      )
    await warn(10 * 60_000)
    assert.deepEqual(await report(), [])
    await warn(5_000)
    assert.deepEqual(await report(), ['pgctl: the session ada-0a1b will be ended: its client has gone'])
  })

  it('says nothing where it does not know which machine it is, or may not', async () => {
    await writeFile(join(folder, 'instance-id'), 'nobody\n')
    await assert.rejects(report(), { code: 'config-invalid' })
    await writeFile(join(folder, 'instance-id'), `${bastion.instanceId}\n`)
    cloud.cloud.state.turn({ deny: ['dynamodb:PutItem'] })
    await assert.rejects(report(), { code: 'permission-denied' })
    cloud.cloud.state.turn({ deny: [] })
  })

  it('without a way to the endpoints fails as its unit expects it, and leaves what it has found out', async () => {
    await report()
    const before = await readFile(facts(), 'utf8')
    const [port] = await freePorts(1)
    process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${port}`
    try {
      await assert.rejects(report(), (error) => {
        assert.ok(isPgctlError(error, 'endpoint-unreachable'), String(error))
        const unit = readFileSync(new URL('pgctl-bastion-report.service', UNITS), 'utf8')
        const taken = /^SuccessExitStatus=(.*)$/m.exec(unit)?.[1]?.split(' ')
        assert.ok(taken?.includes(String(exitStatusOf(error.code))), 'a unit that has failed')
        return true
      })
    } finally {
      process.env['AWS_ENDPOINT_URL'] = cloud.url
    }
    assert.equal(await readFile(facts(), 'utf8'), before)
  })

  it('finds a child and its connection in the kernel that this runs on', async () => {
    const server = createServer((socket) => socket.on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const socket = createConnection({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const { programs, tcp } = await readKernelFiles('/proc')
    const found = programs.find(({ pid }) => pid === child.pid)
    assert.deepEqual([found?.parent, found?.words], [process.pid, ['sleep', '60']])
    const own = programs.find(({ pid }) => pid === process.pid)
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const line = tcp.flatMap((text) => text.split('\n')).find((each) => each.includes(`0100007F:${hex} 01`))
    const inode = line?.trim().split(/\s+/)[9] ?? ''
    assert.ok(own?.sockets.includes(inode), `${inode} is not among ${own?.sockets}`)
    child.kill('SIGKILL')
    socket.destroy()
    server.close()
  })
})

/** A kernel with the agent, a session of ada's with a tunnel to a database, and what she left running. */
async function makeProc(proc: string): Promise<void> {
  const program = async (pid: number, parent: number, words: string[], sockets: number[]) => {
    const place = join(proc, String(pid))
    await mkdir(join(place, 'fd'), { recursive: true })
    await writeFile(join(place, 'stat'), `${pid} (a (b) c) S ${parent} ${pid} ${pid} 0 -1 4194304\n`)
    await writeFile(join(place, 'cmdline'), `${words.join('\0')}\0`)
    for (const [at, inode] of sockets.entries())
      await symlink(`socket:[${inode}]`, join(place, 'fd', String(at + 3)))
  }
  const line = (remote: string, inode: number) =>
    `   0: 1410000A:D2F0 ${remote} 01 00000000:00000000 02:000006D3 00000000     0        0 ${inode} 2 0000 20 4 30 10 -1\n`
  await mkdir(join(proc, 'net'), { recursive: true })
  await writeFile(
    join(proc, 'net/tcp'),
    `  sl  local_address rem_address   st\n${line('22D9DB03:01BB', 1)}${line('22D9DB03:01BB', 2)}${line('0F20000A:1538', 3)}`,
  )
  await writeFile(join(proc, 'version'), 'Linux\n')
  await writeFile(join(proc, 'uptime'), '3600.00 7000.00\n')
  await program(10, 1, ['/usr/bin/amazon-ssm-agent'], [1])
  await program(20, 10, ['/usr/bin/ssm-session-worker', 'ada-0a1b2c3d4e5f6g7h8i9j', 'i-1'], [2, 3])
  await program(21, 20, ['sh'], [])
  await program(22, 21, ['pg_dump'], [])
  await program(30, 1, ['cron'], [])
  await chmod(proc, 0o755)
}
