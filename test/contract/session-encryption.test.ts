import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, it, type TestContext } from 'node:test'
import { type ErrorCode, isPgctlError, type PgctlError } from '#core/errors.ts'
import { runCommand } from '#core/ssm/io/exec.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import { TerminalRun } from '#core/ssm/io/terminal-run.ts'
import type { SessionFacts } from '#core/ssm/machine.ts'
import type { SessionApi } from '#core/ssm/session-api.ts'
import { Peer } from '#sandbox/gateway/peer.ts'
import { WORLD } from '#sandbox/world.ts'
import { Collected } from '../support/collected.ts'
import { fetchOver } from '../support/http-over.ts'
import { startSandboxCli } from '../support/sandbox-cli.ts'
import { type SandboxSessions, startSandboxSessions } from '../support/sandbox-sessions.ts'

/** Sessions whose preferences name a KMS key: what the gateway relays is ciphertext, and no key is no session. */

const TIMEOUT = { timeout: 15_000 }
const SECRET = 'a secret that no relay may read'
/** The same in the words of a shell: the command itself travels by StartSession, in the clear. */
const SPELLED = SECRET.replaceAll(' ', '\\ ')

describe('sessions with a KMS key', { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  before(async () => {
    lab = await startSandboxSessions()
  })
  afterEach(() => {
    lab.sandbox.cloud.gateway.order({ kind: 'clear' })
    lab.sandbox.cloud.state.turn({ deny: [] })
    assert.deepEqual(lab.activeSessions(), [])
    assert.deepEqual([...lab.journal], [])
  })
  after(() => lab?.[Symbol.asyncDispose]())

  const callsOf = (action: string) => lab.sandbox.cloud.calls.since().filter((call) => call.action === action)

  /** All that goes through the gateway from now on, in both directions. */
  function eavesdrop(t: TestContext): () => Buffer {
    const { mock } = t.mock.method(Peer.prototype, 'send')
    return () => Buffer.concat(mock.calls.map(({ arguments: [frame] }) => Buffer.from(frame)))
  }

  async function exec(
    words: readonly string[],
    context: Partial<SessionContext> = {},
    stdout = new Collected(),
  ) {
    lab.sandbox.cloud.state.turn({ kms: 'on' })
    const facts: SessionFacts[] = []
    const status = await runCommand(
      {
        context: { ...lab.context, ...context },
        target: WORLD.bastion.instanceId,
        words,
        stdout,
        stderr: new Collected(),
        onReady: (told) => facts.push(told),
      },
      new AbortController().signal,
    )
    return { status, text: stdout.text, facts }
  }

  /** The lab's session API, but for how it gets a data key. */
  const withKey = (dataKey: SessionApi['dataKey']): Partial<SessionContext> => ({
    api: { ...lab.context.api, dataKey },
  })

  async function assertRefused(attempt: Promise<unknown>, code: ErrorCode, told: RegExp): Promise<void> {
    await assert.rejects(attempt, (error) => {
      assert.ok(isPgctlError(error, code), `${(error as PgctlError).code}: ${error}`)
      assert.match(`${error.message} ${error.why}`, told)
      return true
    })
  }

  it('a command is encrypted, and nothing of it is seen on the way', TIMEOUT, async (t) => {
    const relayed = eavesdrop(t)
    const { status, text, facts } = await exec(['sh', '-c', `printf %s ${SPELLED}; exit 9`])
    assert.equal(status, 9)
    assert.equal(text, SECRET)
    assert.equal(facts.at(-1)?.encrypted, true)
    assert.ok(relayed().length > 500)
    assert.ok(!relayed().includes(SECRET))
    assert.ok(!relayed().includes('EXIT_CODE'))
    const [generated] = callsOf('GenerateDataKey')
    const [decrypted] = callsOf('Decrypt')
    assert.match(String(generated?.caller), /operator/)
    assert.equal(generated?.resource, WORLD.kmsKeyArn)
    assert.notEqual(decrypted?.caller, generated?.caller)
  })

  it('so is a shell, in both directions', TIMEOUT, async (t) => {
    lab.sandbox.cloud.state.turn({ kms: 'on' })
    const relayed = eavesdrop(t)
    const stdout = new Collected()
    const facts: SessionFacts[] = []
    {
      await using run = await TerminalRun.start({
        context: lab.context,
        request: { target: WORLD.bastion.instanceId },
        stdout,
        stderr: stdout,
        size: { columns: 91, rows: 17 },
        onReady: (told) => facts.push(told),
      })
      await stdout.saw('$ ')
      run.type(Buffer.from('stty size\r'))
      await stdout.saw('17 91')
      run.type(Buffer.from(`printf %s ${SPELLED}; exit\r`))
      await run.outcome
    }
    assert.ok(stdout.text.includes(SECRET))
    assert.equal(facts.at(-1)?.encrypted, true)
    assert.ok(!relayed().includes(SECRET))
    assert.ok(!relayed().includes(SPELLED))
    assert.ok(!relayed().includes('acme-bastion'))
  })

  it('survives the loss of its data channel with the same key', TIMEOUT, async () => {
    const before = callsOf('GenerateDataKey').length
    const stdout = new Collected()
    const script = 'for i in 1 2 3 4 5 6; do yes $i | head -c 20000; echo "round $i"; sleep 0.05; done'
    const running = exec(['sh', '-c', script], {}, stdout)
    for (const round of [1, 4]) {
      await stdout.saw(`round ${round}`)
      lab.sandbox.cloud.gateway.order({ kind: 'cut' })
    }
    const { status, text } = await running
    assert.equal(status, 0)
    assert.equal(text.length, 6 * 20_008)
    assert.equal(callsOf('GenerateDataKey').length, before + 1)
  })

  it('a port session is not encrypted, and asks for no key', TIMEOUT, async () => {
    lab.sandbox.cloud.state.turn({ kms: 'on' })
    const before = callsOf('GenerateDataKey').length
    await using session = await lab.dial()
    const answer = await fetchOver(await session.dialer.connect(), '/random/100000')
    assert.equal(answer.sha256, answer.promised)
    assert.equal(callsOf('GenerateDataKey').length, before)
    await session[Symbol.asyncDispose]()
  })

  it(
    'a key that the caller may not use is permission-denied, with the action and the key',
    TIMEOUT,
    async () => {
      lab.sandbox.cloud.state.turn({ deny: ['kms:GenerateDataKey'] })
      await assertRefused(exec(['true']), 'permission-denied', /kms:GenerateDataKey/)
    },
  )

  it(
    'a key that the bastion may not use ends the session, with the words of the agent',
    TIMEOUT,
    async () => {
      lab.sandbox.cloud.state.turn({ deny: ['kms:Decrypt'] })
      await assertRefused(exec(['true']), 'session-ended', /Fetching data key failed/)
    },
  )

  it('a data key that is not the one of its ciphertext is encryption-failed', TIMEOUT, async () => {
    const wrong = withKey(async (...request) => {
      const { ciphertext } = await lab.context.api.dataKey(...request)
      return { ciphertext, plaintext: randomBytes(64) }
    })
    await assertRefused(exec(['true'], wrong), 'encryption-failed', /not made with its data key/)
  })

  it('a data key for another session is refused by KMS itself', TIMEOUT, async () => {
    const foreign = withKey((keyId, context, signal) =>
      lab.context.api.dataKey(keyId, { ...context, 'aws:ssm:SessionId': 'another-one' }, signal),
    )
    await assertRefused(exec(['true'], foreign), 'session-ended', /Fetching data key failed/)
  })

  it('a KMS that fails is encryption-failed', TIMEOUT, async () => {
    const broken = withKey(() => Promise.reject(new Error('a socket hung up')))
    await assertRefused(exec(['true'], broken), 'encryption-failed', /data key/)
  })

  it('a KMS that does not answer is given up before the agent gives up', TIMEOUT, async () => {
    const asked = Promise.withResolvers<void>()
    const silent = withKey(() => {
      asked.resolve()
      return new Promise(() => {})
    })
    const running = exec(['true'], silent)
    running.catch(() => {})
    await asked.promise
    lab.clock.skip(12_000)
    await assertRefused(running, 'encryption-failed', /no data key .* in 12 s/)
  })
})

describe('pgctl exec with a KMS key', { timeout: 30_000 }, () => {
  it('gives the status of the command, and 6 with the action when the key is denied', TIMEOUT, async () => {
    await using cli = await startSandboxCli()
    cli.sandbox.cloud.state.turn({ kms: 'on' })
    assert.deepEqual(await cli.run(['exec', '--', 'sh', '-c', 'echo encrypted; exit 5']), {
      stdout: 'encrypted\n',
      stderr: '',
      status: 5,
      signal: null,
    })
    cli.sandbox.cloud.state.turn({ deny: ['kms:GenerateDataKey'] })
    const { status, stdout, stderr } = await cli.run(['exec', '--', 'true'])
    assert.equal(status, 6)
    assert.equal(stdout, '')
    assert.match(stderr, /kms:GenerateDataKey/)
  })
})
