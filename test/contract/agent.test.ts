/** The sandbox's agent on sockets, between the sandbox's gateway and our own client. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'node:test'
import { runCommand } from '#core/ssm/io/exec.ts'
import { TerminalRun, type TerminalRunOptions } from '#core/ssm/io/terminal-run.ts'
import type { SessionFacts } from '#core/ssm/machine.ts'
import { startAgent } from '#sandbox/agent/io/agent.ts'
import { WORLD } from '#sandbox/world.ts'
import { type AgentScene, eventually, startAgentScene } from '../support/agent-scene.ts'

const target = WORLD.bastion.instanceId
const never = new AbortController().signal

let scene: AgentScene

/** A terminal session whose output is collected. */
async function runTerminal(options: Omit<TerminalRunOptions, 'context' | 'stdout' | 'stderr'>) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const shown = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    streams[name].on('data', (bytes: Buffer) => {
      shown[name] += bytes.toString()
    })
  }
  const run = await TerminalRun.start({ context: scene.sessions.context, ...streams, ...options })
  return { run, shown, type: (text: string) => run.type(Buffer.from(text)) }
}

async function exec(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const shown = [text(streams.stdout), text(streams.stderr)]
  const status = await runCommand({ context: scene.sessions.context, target, words, ...streams }, never)
  for (const stream of Object.values(streams)) stream.end()
  const [stdout = '', stderr = ''] = await Promise.all(shown)
  return { status, stdout, stderr }
}

/** Whether the process runs; one that is dead and not reaped yet by whoever inherited it does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync(`/proc/${pid}/stat`) || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

describe('sandbox agent', { timeout: 60_000 }, () => {
  before(async () => {
    scene = await startAgentScene()
  })
  afterEach(() => scene.settle())
  after(() => scene[Symbol.asyncDispose]())

  describe('commands', () => {
    it('give their own exit status, standard output and standard error', async () => {
      const result = await exec('sh', '-c', 'printf out; printf err >&2; exit 7')
      assert.deepEqual(result, { status: 7, stdout: 'out', stderr: 'err' })
    })

    it('run without a shell', async () => {
      assert.equal((await exec('echo', 'a;', '$HOME', "it's")).stdout, "a; $HOME it's\n")
    })

    it('see a small environment that holds nothing of this process', async () => {
      const { stdout } = await exec('env')
      const names = stdout.split('\n').map((line) => line.split('=')[0])
      assert.deepEqual(
        names.filter(Boolean).sort(),
        ['HOME', 'HOSTNAME', 'LANG', 'LOGNAME', 'PATH', 'PS1', 'SHELL', 'TERM', 'USER'].sort(),
      )
    })

    it('say so when there is no such program', async () => {
      const { status, stdout } = await exec('no-such-program')
      assert.equal(status, 1)
      assert.match(stdout, /Error occurred starting the command: .*no-such-program/)
    })

    it('give megabytes whole', async () => {
      const { status, stdout } = await exec('sh', '-c', 'yes abcdefg | head -c 2000000')
      assert.deepEqual([status, stdout.length], [0, 2_000_000])
    })

    it('without separate streams give both together at the end, and no status', async () => {
      const { run, shown } = await runTerminal({
        request: {
          target,
          document: 'AWS-StartNonInteractiveCommand',
          parameters: { command: [`sh -c 'echo out; echo err >&2; exit 3'`] },
        },
      })
      const { end, status } = await run.outcome
      assert.deepEqual(
        [end.how, status, shown.stdout, shown.stderr],
        ['far-end', undefined, 'out\nerr\n', ''],
      )
    })

    it('end at Ctrl-C', async () => {
      const { run, shown } = await runTerminal({
        request: {
          target,
          document: 'AWS-StartNonInteractiveCommand',
          parameters: { command: [`sh -c 'echo started; exec sleep 600'`], separateOutputStream: ['true'] },
        },
      })
      await eventually(() => shown.stdout !== '')
      run.type(Uint8Array.of(3))
      assert.equal((await run.outcome).status, -1)
    })

    it('are encrypted by KMS where the account says so', async () => {
      scene.cloud.cloud.state.turn({ kms: 'on' })
      let facts: SessionFacts | undefined
      const { run, shown } = await runTerminal({
        request: {
          target,
          document: 'AWS-StartNonInteractiveCommand',
          parameters: { command: ['echo sealed'], separateOutputStream: ['true'] },
        },
        onReady: (told) => {
          facts = told
        },
      })
      assert.deepEqual([(await run.outcome).status, shown.stdout], [0, 'sealed\n'])
      assert.equal(facts?.encrypted, true)
      assert.equal(facts.customerMessage, 'This session is encrypted using AWS KMS.')
    })
  })

  describe('terminals', () => {
    const size = { columns: 101, rows: 33 }

    it('are a real pty: prompt, size, resize, and their end', async () => {
      const { run, shown, type } = await runTerminal({ request: { target }, size })
      await eventually(() => shown.stdout.includes('[acme-bastion ~]$ '))
      type('stty size; echo $((6*7)); tty\r')
      await eventually(() => /33 101\r\n42\r\n\/dev\//.test(shown.stdout))
      run.resize({ columns: 60, rows: 20 })
      // The size travels before what is typed after it.
      type('stty size\r')
      await eventually(() => shown.stdout.includes('20 60\r\n'))
      type('exit\r')
      assert.equal((await run.outcome).end.how, 'far-end')
    })

    it('take Ctrl-C as a terminal does', async () => {
      const { run, shown, type } = await runTerminal({ request: { target }, size })
      await eventually(() => shown.stdout.includes('$ '))
      type('cat\r')
      type('heard\r')
      // The terminal shows what is typed, and cat shows it again once it is in the foreground.
      await eventually(() => shown.stdout.split('heard\r\n').length === 3)
      run.type(Uint8Array.of(3))
      await eventually(() => shown.stdout.trimEnd().endsWith('$'))
      type('exit\r')
      await run.outcome
    })

    it('run one command', async () => {
      const { run, shown } = await runTerminal({
        request: {
          target,
          document: 'AWS-StartInteractiveCommand',
          parameters: { command: ['test -t 0 && echo terminal; echo two'] },
        },
        size,
      })
      await run.outcome
      assert.equal(shown.stdout, 'terminal\r\ntwo\r\n')
    })

    it('give all of a long output, however slowly it goes', async () => {
      const { run, shown } = await runTerminal({
        request: {
          target,
          document: 'AWS-StartInteractiveCommand',
          parameters: { command: ['yes abcdefgh | head -n 100000'] },
        },
        size,
      })
      await run.outcome
      assert.equal(shown.stdout.length, 100_000 * 10)
    })

    it('are encrypted by KMS where the account says so', async () => {
      scene.cloud.cloud.state.turn({ kms: 'on' })
      const { run, shown, type } = await runTerminal({ request: { target }, size })
      await eventually(() => shown.stdout.includes('$ '))
      type('stty size; exit\r')
      await run.outcome
      assert.match(shown.stdout, /33 101\r\n/)
    })

    for (const end of ['the client ends the session', 'the shell ends'] as const) {
      it(`take their processes along when ${end}`, async () => {
        const { run, shown, type } = await runTerminal({ request: { target }, size })
        await eventually(() => shown.stdout.includes('$ '))
        type('sleep 600 & echo "pid:$!:$$:"\r')
        await eventually(() => /pid:\d+:\d+:/.test(shown.stdout))
        const [, child = 0, shell = 0] = (/pid:(\d+):(\d+):/.exec(shown.stdout) ?? []).map(Number)
        assert.ok(isAlive(child) && isAlive(shell))
        if (end === 'the shell ends') type('exit\r')
        else await run[Symbol.asyncDispose]()
        await eventually(() => !isAlive(child) && !isAlive(shell))
        await run.outcome
      })
    }
  })

  it('comes back when its control channel is cut', async () => {
    scene.cloud.cloud.gateway.channels.cutAll()
    await eventually(() => !scene.cloud.cloud.gateway.isOnline(target))
    await eventually(() => scene.cloud.cloud.gateway.isOnline(target))
    assert.equal((await exec('true')).status, 0)
  })

  it('leaves nothing behind: no process, no folder, no session', async () => {
    const second = await startAgent({
      gateway: scene.cloud.url,
      kms: scene.cloud.url,
      credentials: scene.cloud.agent,
      world: { kubernetes: 1, grafana: 1, payload: 1, product: 1 },
      pace: 'none',
    })
    const { run, shown, type } = await runTerminal({ request: { target }, size: { columns: 80, rows: 24 } })
    await eventually(() => shown.stdout.includes('$ '))
    type('echo "home:$HOME:$$:"\r')
    await eventually(() => /home:\/[^:]+:\d+:/.test(shown.stdout))
    const [, home = '', shell = ''] = /home:(\/[^:]+):(\d+):/.exec(shown.stdout) ?? []
    assert.ok(existsSync(home))
    await second[Symbol.asyncDispose]()
    assert.equal((await run.outcome).end.how, 'far-end')
    assert.deepEqual([existsSync(home), isAlive(Number(shell)), second.sessionCount], [false, false, 0])
    // The first one was displaced, and takes its place again.
    await eventually(() => scene.cloud.cloud.gateway.isOnline(target))
  })
})
