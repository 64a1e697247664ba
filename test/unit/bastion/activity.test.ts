import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { activityOf, parseActivity, type RunningProgram } from '#core/bastion/activity.ts'

/** The forms are those of `/proc/net/tcp` and of the agent's own programs. */

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
const line = (remote: string, state: string, inode: number) =>
  `   0: 1410000A:D2F0 ${remote} ${state} 00000000:00000000 02:000006D3 00000000     0        0 ${inode} 2 0000 20 4 30 10 -1`
const SERVICE = '22D9DB03:01BB'
const DATABASE = '0F20000A:1538'
const LOOP = '0100007F:1538'

const program = (
  pid: number,
  parent: number,
  words: string[],
  sockets: number[] = [],
  cgroup = '',
): RunningProgram => ({ pid, parent, words, sockets: sockets.map(String), cgroup })
const UNIT = '0::/system.slice/amazon-ssm-agent.service\n'
const AGENT = program(10, 1, ['/usr/bin/amazon-ssm-agent'], [1])
const WORKER = program(20, 10, ['/usr/bin/ssm-session-worker', 'ada-0a1b2c', 'i-1'], [2])

const told = (lines: string[], programs: RunningProgram[]) => {
  const {
    connections,
    programs: running,
    sessions,
  } = activityOf({ tcp: [[HEAD, ...lines].join('\n'), HEAD], programs }, 'i-1', 5)
  return { connections, running, sessions }
}

describe('what a bastion says that it does', () => {
  it('is nothing while only its agent speaks with the service', () => {
    assert.deepEqual(told([line(SERVICE, '01', 1)], [AGENT]), { connections: 0, running: 0, sessions: [] })
  })

  it('is a session without a connection while its person only types', () => {
    const shell = program(21, 20, ['sh'])
    const seen = told([line(SERVICE, '01', 1), line(SERVICE, '01', 2)], [AGENT, WORKER, shell])
    assert.deepEqual(seen, { connections: 0, running: 1, sessions: ['ada-0a1b2c'] })
  })

  it('is nothing while it carries its audit log away, which it always does', () => {
    const words = ['/usr/lib/pgctl/node', '/usr/lib/pgctl/package/dist/main.js', 'bastion', 'audit-stream']
    const carrier = program(40, 1, words, [7])
    assert.equal(told([line(SERVICE, '01', 1), line(SERVICE, '01', 7)], [AGENT, carrier]).connections, 0)
    const other = program(40, 1, [...words.slice(0, 3), 'audit-stream-of-mine'], [7])
    assert.equal(told([line(SERVICE, '01', 7)], [AGENT, other]).connections, 1)
  })

  it('is a connection while a tunnel leads on', () => {
    const worker = { ...WORKER, sockets: ['2', '3'] }
    const lines = [line(SERVICE, '01', 1), line(SERVICE, '01', 2), line(DATABASE, '01', 3)]
    assert.equal(told(lines, [AGENT, worker]).connections, 1)
  })

  it('counts neither the loopback, nor what listens or has ended', () => {
    const lines = [line(LOOP, '01', 4), line('00000000:0000', '0A', 5), line(DATABASE, '06', 6)]
    assert.equal(told(lines, []).connections, 0)
  })

  it('counts what was left running by a session, children of children as well, in any order', () => {
    const left = [program(23, 22, ['pg_dump']), program(22, 21, ['sh']), program(21, 20, ['tmux'])]
    assert.equal(told([], [...left, WORKER, program(99, 1, ['cron'])]).running, 3)
  })

  it('counts what outlives its session, whose parent is then another, and none of the agent itself', () => {
    const own = ['amazon-ssm-agent', 'ssm-agent-worker', 'ssm-session-worker', 'ssm-document-worker']
    const agents = own.map((name, at) => program(10 + at, 1, [`/usr/bin/${name}`], [], UNIT))
    assert.equal(told([], agents).running, 0)
    const left = program(40, 1, ['pg_dump'], [], UNIT)
    const snap = program(
      41,
      1,
      ['tmux'],
      [],
      '0::/system.slice/snap.amazon-ssm-agent.amazon-ssm-agent.service\n',
    )
    const another = program(42, 1, ['cron'], [], '0::/system.slice/cron.service\n')
    assert.equal(told([], [...agents, left, snap, another]).running, 2)
  })

  it('counts no connection to the metadata, which the agent keeps for a while', () => {
    assert.equal(told([line('FEA9FEA9:0050', '01', 7)], []).connections, 0)
  })

  it('reads lines that are cut, and none, as nothing', () => {
    for (const text of ['', '   0: 1410000A:D2F0', 'garbage', '\n\n'])
      assert.equal(activityOf({ tcp: [text], programs: [] }, 'i-1', 5).connections, 0)
  })

  it('is read as it was written, and nothing else is', () => {
    const report = activityOf({ tcp: [], programs: [WORKER] }, 'i-1', 5)
    const audit = { at: 4, oldest: 3, trouble: 'permission-denied' }
    for (const each of [report, { ...report, audit }, { ...report, audit: null }])
      assert.deepEqual(parseActivity(JSON.parse(JSON.stringify(each))), each)
    for (const value of [undefined, 'x', { ...report, v: 2 }, { ...report, programs: 1.5 }])
      assert.equal(parseActivity(value), undefined)
  })
})
