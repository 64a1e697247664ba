import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { quoteWords } from '#core/ssm/command-line.ts'
import { runCommand } from '#core/ssm/io/exec.ts'
import { splitWords } from '#sandbox/agent/words.ts'
import { WORLD } from '#sandbox/world.ts'
import { boxed } from '../support/boxed.ts'
import { Collected } from '../support/collected.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { type SandboxSessions, startSandboxSessions } from '../support/sandbox-sessions.ts'
import { sha256Of } from '../support/sha256.ts'

const TIMEOUT = { timeout: 15_000 }
/** A shell that says so when it is interrupted, and waits for that. */
const TRAPPING = 'trap "echo caught; exit 42" INT; echo ready; while :; do sleep 0.05; done'
const STUBBORN = 'trap "echo caught" INT; echo ready; while :; do sleep 0.05; done'

describe('exec', { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  before(async () => {
    lab = await startSandboxSessions()
  })
  after(async () => {
    assert.deepEqual(lab?.activeSessions(), [])
    assert.deepEqual([...(lab?.journal ?? [])], [])
    await lab?.[Symbol.asyncDispose]()
  })

  /** Starts a command; `interrupt` is what Ctrl-C does. */
  function start(...words: string[]) {
    const stdout = new Collected()
    const stderr = new Collected()
    const abort = new AbortController()
    const disturbances: string[] = []
    const status = runCommand(
      {
        context: lab.context,
        target: WORLD.bastion.instanceId,
        words,
        stdout,
        stderr,
        onLife: ({ type }) => disturbances.push(type),
      },
      abort.signal,
    )
    status.catch(() => {})
    return {
      stdout,
      stderr,
      status,
      disturbances,
      interrupt: () => abort.abort(new PgctlError('interrupted', 'interrupted by a test')),
    }
  }

  describe('the status', () => {
    for (const status of [0, 1, 3, 42, 126, 255])
      it(`${status} is the command's own`, TIMEOUT, async () => {
        const run = start('sh', '-c', `exit ${status}`)
        assert.equal(await run.status, status)
        assert.equal(run.stdout.text + run.stderr.text, '')
      })

    it('of a command that does not exist is a failure, with the words of the agent', TIMEOUT, async () => {
      const run = start('no-such-program-anywhere')
      assert.notEqual(await run.status, 0)
      assert.match(run.stdout.text, /no-such-program-anywhere/)
    })

    it('of a session that ends without one is an error, never 0', TIMEOUT, async () => {
      const run = start('sh', '-c', 'echo ready; sleep 30')
      await run.stdout.saw('ready')
      const [id] = lab.activeSessions()
      lab.sandbox.cloud.gateway.find(String(id))?.end('The session was terminated.')
      await assert.rejects(run.status, (error) => {
        assert.ok(isPgctlError(error, 'session-ended'), String(error))
        assert.equal(error.why, 'The session was terminated.')
        return true
      })
    })
  })

  describe('output', () => {
    it('stays apart and clean', TIMEOUT, async () => {
      const run = start('sh', '-c', 'printf out1; printf err1 >&2; printf out2; printf err2 >&2')
      assert.equal(await run.status, 0)
      assert.equal(run.stdout.text, 'out1out2')
      assert.equal(run.stderr.text, 'err1err2')
    })

    it('is bytes, untranslated', TIMEOUT, async () => {
      const run = start('sh', '-c', String.raw`printf '\000\n\r\377\033[31m\n'`)
      assert.equal(await run.status, 0)
      assert.deepEqual(run.stdout.bytes, Buffer.from('\0\n\r\xff\x1b[31m\n', 'latin1'))
    })

    it('of 5 MB is whole, on both streams at once', TIMEOUT, async () => {
      const five = 'yes 0123456789abcdef | head -c 5000000'
      const run = start('sh', '-c', `${five} & ${five} >&2 & wait`)
      assert.equal(await run.status, 0)
      const whole = sha256Of(Buffer.alloc(5_000_000, '0123456789abcdef\n'))
      assert.equal(sha256Of(run.stdout.bytes), whole)
      assert.equal(sha256Of(run.stderr.bytes), whole)
      assert.deepEqual(run.disturbances, [], 'the data channel was lost on the way')
    })

    it('of 1 MB is whole when the data channel is cut in the middle', TIMEOUT, async () => {
      const run = start('sh', '-c', 'yes 0123456789abcdef | head -c 1000000')
      await run.stdout.saw('0123456789abcdef')
      lab.sandbox.cloud.gateway.order({ kind: 'cut' })
      assert.equal(await run.status, 0)
      assert.equal(sha256Of(run.stdout.bytes), sha256Of(Buffer.alloc(1_000_000, '0123456789abcdef\n')))
      assert.deepEqual(run.disturbances, ['reconnecting', 'resumed'])
    })
  })

  describe('words', () => {
    it('any words come out of the agent as they were given', () => {
      const word = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 20 }),
        fc.string({
          unit: fc.constantFrom(...` '"\\$\`#;&|<>*?~!(){}[]\n\t\r`, 'a', 'é', '-'),
          maxLength: 12,
        }),
      )
      fc.assert(
        fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
          assert.deepEqual(splitWords(quoteWords(words)), words)
        }),
        boxed(500, 3_000),
      )
    })

    it('arrive at the command', TIMEOUT, async () => {
      const words = [
        'a b',
        "it's",
        '"double"',
        '',
        '$HOME',
        '`id`',
        'a;b',
        '#',
        '\\',
        'new\nline',
        'é✓',
        '--',
        '*',
      ]
      const run = start('printf', '<%s>', ...words)
      assert.equal(await run.status, 0)
      assert.equal(run.stdout.text, words.map((word) => `<${word}>`).join(''))
    })
  })

  describe('an interrupt', () => {
    it('goes to the command, whose own status comes back', TIMEOUT, async () => {
      const run = start('sh', '-c', TRAPPING)
      await run.stdout.saw('ready')
      run.interrupt()
      assert.equal(await run.status, 42)
      assert.equal(run.stdout.text, 'ready\ncaught\n')
    })

    it('that kills the command is 130', TIMEOUT, async () => {
      const run = start('sh', '-c', 'echo ready; exec sleep 30')
      await run.stdout.saw('ready')
      run.interrupt()
      assert.equal(await run.status, 130)
    })

    it(
      'that the command ignores ends the session after a while, and the command with it',
      TIMEOUT,
      async () => {
        const run = start('sh', '-c', STUBBORN)
        await run.stdout.saw('ready')
        run.interrupt()
        await run.stdout.saw('caught')
        lab.clock.skip(5_000)
        await assert.rejects(run.status, (error) => isPgctlError(error, 'interrupted'))
      },
    )

    it('before the command runs starts nothing', TIMEOUT, async () => {
      const before = lab.callsOf('StartSession')
      const run = start('true')
      run.interrupt()
      await assert.rejects(run.status, (error) => isPgctlError(error, 'interrupted'))
      await eventually(() => lab.activeSessions().length === 0)
      assert.ok(lab.callsOf('TerminateSession') >= lab.callsOf('StartSession') - before)
    })
  })
})

describe('pgctl exec', { timeout: 60_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  it('gives status and streams of the command, and the words in their order', TIMEOUT, async () => {
    const script = 'echo "$0" "$@"; echo problem >&2; exit 7'
    // Words that occur twice, and before the dashes: oclif's own list of them is sorted.
    const words = ['sh', '-c', script, 'z', '--help', 'sh', '--', 'a', 'z', '-x']
    const outcome = await cli.run(['exec', '--reason', 'a', '--', ...words])
    const stdout = 'z --help sh -- a z -x\n'
    assert.deepEqual(outcome, { stdout, stderr: 'problem\n', status: 7, signal: null })
    assert.equal(cli.sandbox.cloud.gateway.sessions()[0]?.terms.reason, 'a')
  })

  it('passes the first Ctrl-C on, and the status back', TIMEOUT, async () => {
    await using run = cli.start(['exec', '--', 'sh', '-c', TRAPPING])
    await run.until(() => run.stdout.includes('ready') || undefined, 'ready')
    run.kill('SIGINT')
    const { status, stdout, stderr } = await run.outcome
    assert.deepEqual({ status, stdout, stderr }, { status: 42, stdout: 'ready\ncaught\n', stderr: '' })
  })

  it('ends at once at the second', TIMEOUT, async () => {
    await using run = cli.start(['exec', '--', 'sh', '-c', STUBBORN])
    await run.until(() => run.stdout.includes('ready') || undefined, 'ready')
    run.kill('SIGINT')
    await run.until(() => run.stdout.includes('caught') || undefined, 'caught')
    run.kill('SIGINT')
    assert.equal((await run.outcome).status, 130)
  })
})
