import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import type { PtyPerson } from '../support/pty-person.ts'
import { cliEntry, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { sha256Of } from '../support/sha256.ts'

const TIMEOUT = { timeout: 20_000 }
const PROMPT = /^\[acme-bastion ~\]\$ $/

/**
 * Notes the terminal's modes, logs in, and notes them again: the shell of a person in three lines. The inner shell
 * leaves its process id to the login.
 */
const DIARY = [
  'stty -g > "$HOME/modes-before"',
  `sh -c 'echo $$ > "$HOME/pid"; exec "$0" "$@"' "${process.execPath}" "${cliEntry}" login`,
  'echo "login ended with $?"',
  'stty -g > "$HOME/modes-after"',
].join('\n')

const pty = await import('../support/pty-person.ts').catch(() => undefined)
const skip = pty === undefined ? 'the pty library is not installed for this platform' : false

describe('pgctl login on a terminal', { timeout: 90_000, skip }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  afterEach(() => cli.sandbox.cloud.gateway.order({ kind: 'clear' }))
  after(() => cli?.[Symbol.asyncDispose]())

  function run(command: string, words: readonly string[], size: { columns?: number; rows?: number } = {}) {
    assert.ok(pty !== undefined)
    return new pty.PtyPerson(command, words, { ...size, environment: cli.environment, cwd: cli.home })
  }
  const sitDown = (size?: Parameters<typeof run>[2]) => run('/bin/sh', ['-c', DIARY], size)
  const note = (name: string) => readFile(join(cli.home, name), 'utf8')
  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const loginPid = async () => Number(await note('pid'))

  /**
   * Asks for the size until it is that one. A signal tells the client of its size, and keys come by another way: what
   * is typed just after a resize may overtake it.
   */
  async function asksSizeUntil(person: PtyPerson, size: string): Promise<void> {
    const answers = () => person.lines.filter((line) => /^\d+ \d+$/.test(line))
    while (answers().at(-1) !== size) {
      const asked = answers().length
      person.type('stty size\r')
      await person.until(() => answers().length > asked || undefined, 'an answer to stty size')
    }
  }

  /** Expects the login to have ended with `status`, the terminal to be as before, and nothing to be left. */
  async function assertLeft(person: PtyPerson, status: number): Promise<void> {
    assert.equal((await person.sees(/login ended with (\d+)/))[1], String(status))
    assert.equal((await person.exit).exitCode, 0)
    assert.equal(await note('modes-after'), await note('modes-before'))
    const { modes, buffer } = person.terminal
    assert.equal(buffer.active.type, 'normal', 'the alternate screen was left on')
    assert.equal(modes.bracketedPasteMode, false)
    assert.equal(modes.mouseTrackingMode, 'none')
    assert.deepEqual(activeSessions(), [])
  }

  it(
    'has the right size from the first prompt on, follows the window, and ends with the shell',
    TIMEOUT,
    async () => {
      await using person = sitDown({ columns: 101, rows: 31 })
      await person.sees(PROMPT)
      person.type('stty size\r')
      await person.sees(/^31 101$/)
      person.resize(57, 19)
      await asksSizeUntil(person, '19 57')
      person.type('exit\r')
      await assertLeft(person, 0)
    },
  )

  it('has the size of a window that was resized while the session opened', TIMEOUT, async () => {
    await using person = sitDown({ columns: 101, rows: 31 })
    await eventually(() => activeSessions().length === 1)
    person.resize(57, 19)
    await person.sees(PROMPT)
    await asksSizeUntil(person, '19 57')
    person.type('exit\r')
    await assertLeft(person, 0)
  })

  it('tells a running program of a new size', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    person.type(`sh -c 'trap "stty size" WINCH; echo up; while :; do sleep 0.05; done'\r`)
    await person.sees(/^up$/)
    person.resize(120, 40)
    await person.sees(/^40 120$/)
    person.type('\u0003')
    person.type('exit\r')
    await assertLeft(person, 0)
  })

  it('sends Ctrl-C and Ctrl-D to the far side', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    person.type('sh -c \'trap "echo int; exit" INT; echo up; while :; do sleep 0.05; done\'\r')
    await person.sees(/^up$/)
    person.type('\u0003')
    await person.sees(/int$/)
    person.type('cat\r')
    await person.sees(/cat$/)
    person.type('typed\r')
    const echoes = () => person.lines.filter((line) => line === 'typed').length
    await person.until(() => (echoes() === 2 ? true : undefined), 'what was typed, and cat saying it again')
    person.type('\u0004')
    person.type('echo "cat gave $?"\r')
    await person.sees(/cat gave 0$/)
    person.type('\u0004')
    await assertLeft(person, 0)
  })

  it('leaves by ~. a shell that does not answer', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    cli.sandbox.cloud.gateway.order({ kind: 'stall', direction: 'both' })
    person.type('\r~.')
    await assertLeft(person, 0)
  })

  it('puts the terminal back when the service ends the session, and says why', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    // What a full-screen program turns on, and does not get to turn off.
    person.type(`${String.raw`printf '\033[?1049h\033[?2004h\033[?1000h\033[?25lfull screen'`}\r`)
    await person.until(() => person.terminal.buffer.active.type === 'alternate' || undefined, 'full screen')
    activeSessions()[0]?.end('The session was terminated.')
    await person.sees(/The session was terminated\./)
    await assertLeft(person, 7)
  })

  it('puts the terminal back after SIGTERM', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    process.kill(await loginPid(), 'SIGTERM')
    await assertLeft(person, 130)
  })

  it('puts the terminal back when a second signal ends it at once', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    cli.sandbox.cloud.state.turn({ throttle: { 'ssm:TerminateSession': 1_000 } })
    process.kill(await loginPid(), 'SIGTERM')
    await eventually(() =>
      cli.sandbox.cloud.calls.since().some(({ outcome }) => outcome === 'ThrottlingException'),
    )
    process.kill(await loginPid(), 'SIGTERM')
    await person.sees(/login ended with 130/)
    await person.exit
    assert.equal(await note('modes-after'), await note('modes-before'))
    cli.sandbox.cloud.state.turn({ throttle: {} })
  })

  it('ends the session when its window is closed', TIMEOUT, async () => {
    await using person = run(process.execPath, [cliEntry, 'login'])
    await person.sees(PROMPT)
    person.hangUp()
    assert.deepEqual(await person.exit, { exitCode: 130, signal: 0 })
    assert.deepEqual(activeSessions(), [])
  })

  it('goes on after the data channel was lost', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    cli.sandbox.cloud.gateway.order({ kind: 'cut' })
    person.type('echo "still $((40 + 2))"\r')
    await person.sees(/^still 42$/)
    person.type('exit\r')
    await assertLeft(person, 0)
  })

  it('shows 1 MB whole', TIMEOUT, async () => {
    await using person = sitDown()
    await person.sees(PROMPT)
    const line = '0123456789abcdef\n'
    const bytes = 60_000 * line.length
    person.type(`yes 0123456789abcdef | head -c ${bytes} | sed '1i beg''inning'; echo e''nd\r`)
    // A terminal makes CR LF of LF, here and there.
    const text = () => person.written.replaceAll('\r', '')
    await person.until(() => text().endsWith('\nend\n[acme-bastion ~]$ ') || undefined, 'the end')
    const shown = text().slice(text().indexOf('\nbeginning\n') + 11, text().lastIndexOf('\nend\n') + 1)
    assert.equal(shown.length, bytes)
    assert.equal(sha256Of(Buffer.from(shown)), sha256Of(Buffer.alloc(bytes, line)))
    person.type('exit\r')
    await assertLeft(person, 0)
  })

  it('is refused in a sentence where there is no terminal', TIMEOUT, async () => {
    const { status, stderr } = await cli.run(['login'])
    assert.equal(status, 2)
    assert.match(stderr, /login needs a terminal/)
    assert.deepEqual(activeSessions(), [])
  })
})
