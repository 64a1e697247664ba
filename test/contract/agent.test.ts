/** The sandbox's agent on sockets, between the sandbox's gateway and our own client. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { runCommand } from '#core/ssm/io/exec.ts'
import { TerminalRun, type TerminalRunOptions } from '#core/ssm/io/terminal-run.ts'
import type { SessionFacts } from '#core/ssm/machine.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { type Agent, startAgent } from '#sandbox/agent/io/agent.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { startPayload } from '#sandbox/services/payload.ts'
import { WORLD } from '#sandbox/world.ts'
import { sessionsAt, type TestSessions } from '../support/session-context.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

const target = WORLD.bastion.instanceId
const never = new AbortController().signal

let cloud: TestCloud
let agent: Agent
let sessions: TestSessions
const closing = new AsyncDisposableStack()

/** Lets the sockets do their work until `check` holds. A check that never does fails, instead of turning for ever. */
async function eventually(check: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`still not so: ${check}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function setUp(): Promise<void> {
  cloud = closing.use(await startTestCloud())
  const payload = closing.use(await startPayload({ clock: systemClock }))
  sessions = sessionsAt(cloud.url, cloud.operator)
  closing.defer(() => sessions[Symbol.dispose]())
  agent = await startAgent({
    // By TLS, with the sandbox's own authority, as an external agent would.
    gateway: cloud.secureUrl,
    kms: cloud.secureUrl,
    ca: cloud.authority.certificate,
    credentials: cloud.agent,
    world: { kubernetes: 1, grafana: 1, payload: payload.port, product: 1 },
    pace: 'none',
  })
  await eventually(() => cloud.cloud.gateway.isOnline(target))
}

const openPort = (host: string, port: number) =>
  SessionDialer.open(sessions.context, {
    target,
    document: 'AWS-StartPortForwardingSessionToRemoteHost',
    parameters: { host: [host], portNumber: [String(port)], localPortNumber: ['0'] },
  })

/** One HTTP request on a connection of its own through the dialer. */
async function fetchOver(
  dialer: SessionDialer,
  path: string,
  body?: Uint8Array,
): Promise<{ response: IncomingMessage; body: Buffer }> {
  const stream = await dialer.connect()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest(
      {
        method: body === undefined ? 'GET' : 'PUT',
        path,
        headers: { host: '127.0.0.1', connection: 'close', ...(body && { 'content-length': body.length }) },
        createConnection: () => stream,
      },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  return { response, body: await buffer(response) }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A terminal session whose output is collected. */
async function runTerminal(options: Omit<TerminalRunOptions, 'context' | 'stdout' | 'stderr'>) {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const shown = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    streams[name].on('data', (bytes: Buffer) => {
      shown[name] += bytes.toString()
    })
  }
  const run = await TerminalRun.start({ context: sessions.context, ...streams, ...options })
  return { run, shown, type: (text: string) => run.type(Buffer.from(text)) }
}

async function exec(...words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
  const shown = [text(streams.stdout), text(streams.stderr)]
  const status = await runCommand({ context: sessions.context, target, words, ...streams }, never)
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
  before(setUp)
  afterEach(async () => {
    cloud.cloud.gateway.order({ kind: 'clear' })
    cloud.cloud.state.turn(DEFAULT_KNOBS)
    // No session may outlive its test.
    await eventually(() => agent.sessionCount === 0)
  })
  after(async () => {
    await agent[Symbol.asyncDispose]()
    await closing.disposeAsync()
  })

  describe('port sessions', () => {
    it('carry eight connections at once, both ways, to the byte', async () => {
      await using dialer = await openPort(WORLD.payloadHost, WORLD.payloadPort)
      const upload = Buffer.alloc(150_000, 'pgctl')
      await Promise.all(
        Array.from({ length: 4 }, async (_, i) => {
          const { response, body } = await fetchOver(dialer, `/random/${100_000 + i}`)
          assert.equal(body.length, 100_000 + i)
          assert.equal(response.headers['x-sha256'], sha256(body))
          const sink = await fetchOver(dialer, '/sink', upload)
          assert.match(sink.body.toString(), new RegExp(sha256(upload)))
        }),
      )
    })

    it('reach a pod by its address', async () => {
      await using dialer = await openPort('10.0.32.40', 8080)
      assert.equal((await fetchOver(dialer, '/random/10')).body.length, 10)
    })

    for (const end of ['client', 'agent'] as const) {
      it(`lose nothing when the ${end}'s WebSocket is cut in the middle`, async () => {
        await using dialer = await openPort(WORLD.payloadHost, WORLD.payloadPort)
        const stream = await dialer.connect()
        stream.write('GET /random/3000000 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
        let length = 0
        const parts: Buffer[] = []
        for await (const part of stream as AsyncIterable<Buffer>) {
          if (length === 0) cloud.cloud.gateway.order({ kind: 'cut', end })
          parts.push(part)
          length += part.length
        }
        const [head = '', ...rest] = Buffer.concat(parts).toString('latin1').split('\r\n\r\n')
        const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1')
        assert.equal(body.length, 3_000_000)
        assert.match(head, new RegExp(`x-sha256: ${sha256(body)}`, 'i'))
      })
    }

    for (const [host, port, reason] of [
      [WORLD.payloadHost, 8081, 'a closed port'],
      ['nobody.internal.acme.example', 80, 'an unknown name'],
      ['hermes.paragon.svc.cluster.local', 1702, 'a name of the cluster'],
      ['localhost', 22, 'the bastion itself'],
    ] as const) {
      it(`refuse ${reason}, and live on`, async () => {
        await using dialer = await openPort(host, port)
        for (let i = 0; i < 2; i++) {
          const stream = await dialer.connect()
          stream.resume()
          const error = await new Promise((resolve) => stream.once('error', resolve))
          assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
        }
      })
    }

    for (const host of ['169.254.169.254', '0xa9fea9fe', '::ffff:169.254.169.254', 'fd00:ec2::254']) {
      it(`end at once for the metadata service as ${host}, and say why`, async () => {
        await using dialer = await openPort(host, 80)
        const ended = Promise.withResolvers<unknown>()
        dialer.events.subscribe((event) => event.event === 'ended' && ended.resolve(event.error))
        const error = await ended.promise
        assert.ok(isPgctlError(error, 'session-ended'))
        assert.equal(error.why, `Forwarding to IP address ${host} is forbidden.`)
      })
    }
  })

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
      cloud.cloud.state.turn({ kms: 'on' })
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
      cloud.cloud.state.turn({ kms: 'on' })
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
    cloud.cloud.gateway.channels.cutAll()
    await eventually(() => !cloud.cloud.gateway.isOnline(target))
    await eventually(() => cloud.cloud.gateway.isOnline(target))
    assert.equal((await exec('true')).status, 0)
  })

  it('leaves nothing behind: no process, no folder, no session', async () => {
    const second = await startAgent({
      gateway: cloud.url,
      kms: cloud.url,
      credentials: cloud.agent,
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
    await eventually(() => cloud.cloud.gateway.isOnline(target))
  })
})
