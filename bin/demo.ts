// The main job, in the sandbox: what `npm run demo` shows. It only runs the CLI, as a person would, and says what it does.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const started = performance.now()
const sandboxName = `demo-${process.pid}`
const DOWNLOAD_BYTES = 6_000_000
const CUT_AT_BYTES = 2_000_000

/** A home of its own: nothing of the person's configuration is read or written. */
const home = await mkdtemp(join(tmpdir(), 'pgctl-demo-'))
let environment: NodeJS.ProcessEnv = {
  ...process.env,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_STATE_HOME: join(home, 'state'),
  XDG_CACHE_HOME: join(home, 'cache'),
}
const children = new Set<ChildProcess>()
/** What must be gone at the end: the ports that were opened, and the sandbox's process. */
const opened = { ports: new Set<number>(), sandbox: 0 }

// ── Words on the screen ─────────────────────────────────────────────────────────────────────────────────────────

const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  styleText(style, text, { stream: process.stdout })
const say = (text = '') => process.stdout.write(`${text}\n`)
const chapter = (title: string) => say(`\n${paint(['bold', 'cyan'], title)}`)
const typed = (command: string) => say(`  ${paint('green', '$')} ${paint('bold', command)}`)
const note = (text: string) => say(`  ${paint('dim', text)}`)
const done = (text: string) => say(`  ${paint('green', '✔')} ${text}`)

const columns = process.stdout.columns || 120
const fit = (line: string, width: number) => (line.length <= width ? line : `${line.slice(0, width - 1)}…`)

/** How far a download is: drawn over itself on a terminal, not at all elsewhere. */
function drawProgress(done: number, all: number): void {
  if (!process.stdout.isTTY) return
  const filled = Math.round((done / all) * 40)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(40 - filled)}`
  process.stdout.write(`\r  ${bar} ${(done / 1e6).toFixed(1)} of ${(all / 1e6).toFixed(1)} MB`)
  if (done === all) process.stdout.write('\r\u001b[K')
}

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the demo expected ${what}`)
}

// ── Running the CLI ─────────────────────────────────────────────────────────────────────────────────────────────

function start(argv: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [entry, ...argv], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

async function run(argv: readonly string[]): Promise<string> {
  const child = start(argv)
  const [stdout, stderr, status] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  if (status !== 0) throw new Error(`pgctl ${argv.join(' ')} ended with ${status}: ${stderr || stdout}`)
  return stdout
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}

interface Ready {
  readonly port: number
  readonly url: string | undefined
  readonly route: string
  readonly detail: string
}

/** Starts a tunnel and resolves when a byte has gone to the far end and back. */
async function openTunnel(
  argv: readonly string[],
): Promise<{ ready: Ready; events: string[]; close(): Promise<void> }> {
  const child = start(['tunnel', ...argv, '--json'])
  const events: string[] = []
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = await new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const event = JSON.parse(line)
      events.push(event.event)
      if (event.event === 'ready') {
        opened.ports.add(event.port)
        resolve(event)
      }
      if (event.event === 'error') reject(new Error(`${event.message}: ${event.why ?? ''}`))
    })
    child.once('close', () => reject(new Error('the tunnel ended before it was ready')))
  })
  return {
    ready,
    events,
    async close() {
      child.kill('SIGINT')
      await ended
    },
  }
}

async function fetchAll(
  url: string,
): Promise<{ status: number; body: Buffer; headers: IncomingMessage['headers'] }> {
  const response = await request(url)
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part)
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts), headers: response.headers }
}

/** The names of tunnels are this computer, which browsers know and not every resolver does. */
const lookUpHere: LookupFunction = (_name, { all }, answer) => {
  if (all) answer(null, [{ address: '127.0.0.1', family: 4 }])
  else answer(null, '127.0.0.1', 4)
}

function request(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) =>
    get(url, { agent: false, lookup: lookUpHere }, resolve).once('error', reject),
  )
}

// ── The chapters ────────────────────────────────────────────────────────────────────────────────────────────────

async function startSandbox(): Promise<void> {
  chapter('1  A whole small installation on this computer')
  typed('pgctl sandbox up --detach')
  await run(['sandbox', 'up', '--detach', '--name', sandboxName])
  const lines = JSON.parse(await run(['sandbox', 'env', '--name', sandboxName, '--json'])) as {
    set: Record<string, string>
    unset: string[]
  }
  environment = { ...environment, ...lines.set }
  for (const name of lines.unset) delete environment[name]
  opened.ports.add(Number(new URL(lines.set['AWS_ENDPOINT_URL'] as string).port))
  const { sandboxes } = JSON.parse(await run(['sandbox', 'status', '--json'])) as {
    sandboxes: Array<{ pid: number }>
  }
  opened.sandbox = sandboxes[0]?.pid ?? 0
  done(`AWS endpoint, message gateway, agent and a Kubernetes API answer at ${lines.set['AWS_ENDPOINT_URL']}`)
  note('From here on plain commands run: they see an AWS account and know of no sandbox.')
}

async function showGrafana(): Promise<void> {
  chapter('2  Grafana, through a session, without an open port')
  typed('pgctl tunnel grafana')
  const tunnel = await openTunnel(['grafana', '--port', '0', '--reason', 'demo'])
  const { ready } = tunnel
  done(`ready at ${ready.url} by the ${ready.route} route (${ready.detail})`)
  const health = await fetchAll(`${ready.url}/api/health`)
  expect(health.status === 200, 'a healthy Grafana')
  done(`GET /api/health → ${health.status} ${health.body.toString().replaceAll(/\s+/g, ' ').trim()}`)
  const page = await fetchAll(`${ready.url}/login`)
  const title = /<title>([^<]*)<\/title>/.exec(page.body.toString())?.[1]
  expect(page.status === 200 && title !== undefined, 'the login page')
  done(`GET /login → ${page.status}, ${page.body.length} bytes, titled "${title}"`)
  await tunnel.close()
}

async function showLogs(): Promise<void> {
  chapter('3  The last lines of a service, merged in time from all of its pods')
  typed('pgctl logs hermes --tail 8')
  const lines = (await run(['logs', 'hermes', '--tail', '8', '--json']))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const logLines = lines.filter((line) => line.event === 'line')
  const stamps = logLines.map((line) => line.time as string)
  expect(
    stamps.length > 0 && stamps.every((stamp, at) => at === 0 || (stamps[at - 1] as string) <= stamp),
    'lines in time order',
  )
  const shown = (await run(['logs', 'hermes', '--tail', '8'])).trimEnd().split('\n')
  say(indent(shown.map((line) => fit(line, columns - 4)).join('\n')))
  done(`${new Set(logLines.map((line) => line.pod)).size} pods, in time order`)
}

async function showLogin(): Promise<void> {
  chapter('4  A shell on the bastion')
  typed('pgctl login')
  const { spawn: spawnPty } = await import('@lydell/node-pty')
  const terminal = spawnPty(process.execPath, [entry, 'login'], {
    cols: 100,
    rows: 30,
    env: environment as Record<string, string>,
  })
  let screen = ''
  let asked = false
  terminal.onData((data) => {
    screen += data
    if (asked || !/[$#] $/.test(screen)) return
    asked = true
    terminal.write('echo "the terminal is $(stty size)"; exit\r')
  })
  await new Promise<void>((resolve) => terminal.onExit(() => resolve()))
  const answer = /^the terminal is (\d+) (\d+)\r?$/m.exec(screen)
  expect(
    answer?.[1] === '30' && answer[2] === '100',
    `a shell of 30 rows and 100 columns, and saw ${JSON.stringify(screen)}`,
  )
  say(indent(`${paint('dim', 'bastion$')} echo "the terminal is $(stty size)"\n${answer?.[0].trim()}`))
  done('the shell had the size of this terminal from its first prompt, and has ended')
}

async function showCut(): Promise<void> {
  chapter('5  The WebSocket is cut in the middle of a download')
  const host = 'payload.internal.acme.example:8080'
  typed(`pgctl tunnel ${host}`)
  const tunnel = await openTunnel([host, '--port', '0'])
  typed(`curl http://127.0.0.1:${tunnel.ready.port}/random/${DOWNLOAD_BYTES} | sha256sum`)
  const response = await request(`http://127.0.0.1:${tunnel.ready.port}/random/${DOWNLOAD_BYTES}`)
  const digest = createHash('sha256')
  let received = 0
  let cut = false
  for await (const part of response) {
    digest.update(part)
    received += part.length
    drawProgress(received, DOWNLOAD_BYTES)
    if (!cut && received >= CUT_AT_BYTES) {
      cut = true
      await run(['sandbox', 'fault', 'cut', '--name', sandboxName])
      if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
      note(`cut after ${received} of ${DOWNLOAD_BYTES} bytes: the data channel's TCP connection is gone`)
    }
  }
  const right = response.headers['x-sha256']
  const found = digest.digest('hex')
  expect(cut && found === right, `the digest ${right} and got ${found}`)
  expect(tunnel.events.includes('resumed'), 'the session to be resumed')
  done(
    `${received} bytes arrived over one TCP connection that never noticed; the digest is right: ${found.slice(0, 16)}…`,
  )
  await tunnel.close()
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}

async function stop(): Promise<void> {
  for (const child of children) child.kill('SIGINT')
  await run(['sandbox', 'down', '--name', sandboxName]).catch((error: Error) => say(error.message))
  await Promise.all([...children].map((child) => new Promise((resolve) => child.once('close', resolve))))
}

/** Looks for what might be left, and says what it found. */
async function leftovers(): Promise<string[]> {
  const found: string[] = []
  for (const port of opened.ports) if (await listens(port)) found.push(`port ${port}`)
  if (opened.sandbox > 0 && !(await vanishes(opened.sandbox))) found.push(`process ${opened.sandbox}`)
  const state = join(home, 'state', 'pgctl')
  const files = await readdir(state, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const file of files)
    if (file.isFile() && /sandbox|sessions/.test(file.parentPath)) found.push(file.name)
  await rm(home, { recursive: true, force: true })
  return found
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A process that has ended keeps its number until its parent, here the system's first process, has taken note. */
async function vanishes(pid: number): Promise<boolean> {
  for (let look = 0; look < 100 && isAlive(pid); look++) await setTimeout(30)
  return !isAlive(pid)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

// ── The order of events ─────────────────────────────────────────────────────────────────────────────────────────

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await stop()
    await leftovers()
    process.exit(130)
  })

try {
  say(
    paint(
      'bold',
      'pgctl: a way into a private installation, with no open port, no key and no helper program',
    ),
  )
  await startSandbox()
  await showGrafana()
  await showLogs()
  await showLogin()
  await showCut()
} catch (error) {
  say(`\n${paint('red', 'The demo failed:')} ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  chapter('6  Everything stops')
  await stop()
  const left = await leftovers()
  if (left.length === 0) done('no process, file or port is left behind')
  else {
    say(`  ${paint('red', `left behind: ${left.join(', ')}`)}`)
    process.exitCode = 1
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say(`\n${paint('dim', `${seconds} s in all. To look around yourself: npx pgctl sandbox up --detach`)}`)
}
