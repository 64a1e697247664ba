import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { policySchema } from '#sandbox/aws/policy.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** `pgctl sessions` on sessions that somebody uses. */

const TIMEOUT = { timeout: 30_000 }

interface Row {
  readonly id: string
  readonly use: string
  readonly pid: number | null
  readonly reason: string | null
}

describe('pgctl sessions', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli({ logInterval: 0 })
  })
  afterEach(() => cli.sandbox.cloud.state.turn(DEFAULT_KNOBS))
  after(() => cli?.[Symbol.asyncDispose]())

  async function sleeper(environment: Record<string, string> = {}): Promise<CliProcess> {
    const argv = ['exec', '--reason', 'a nap', '--', 'sh', '-c', 'echo up; sleep 60']
    const command = cli.start(argv, { environment })
    await command.until(() => (command.stdout.includes('up') ? true : undefined), 'up')
    return command
  }

  async function list(environment: Record<string, string> = {}): Promise<readonly Row[]> {
    const { stdout, stderr, status } = await cli.run(['sessions', '--json'], { environment })
    assert.equal(status, 0, stderr)
    return (JSON.parse(stdout) as { sessions: Row[] }).sessions
  }

  it('shows which process uses one, and ends it only when the name is typed out', TIMEOUT, async () => {
    await using command = await sleeper()
    const [session] = await list()
    assert.deepEqual([session?.use, session?.pid, session?.reason], ['here', command.pid, 'a nap'])
    const id = session?.id ?? ''
    const refused = await cli.run(['sessions', 'end', id])
    assert.equal(refused.status, 2)
    assert.match(refused.stderr, /--confirm acme/)
    assert.equal((await list()).length, 1)
    assert.equal((await cli.run(['sessions', 'end', id, '--confirm', 'acme'])).status, 0)
    assert.equal((await command.outcome).status, 7)
    assert.deepEqual(await list(), [])
  })

  it(
    'one that another computer of the same person has opened is theirs, from elsewhere',
    TIMEOUT,
    async () => {
      const elsewhere = { XDG_STATE_HOME: `${cli.home}/elsewhere` }
      await using _command = await sleeper(elsewhere)
      assert.deepEqual(
        (await list()).map(({ use }) => use),
        ['elsewhere'],
      )
      const none = await cli.run(['sessions', 'end', '--orphans'])
      assert.equal(none.stdout, 'nothing to end\n')
      const [session] = await list(elsewhere)
      await cli.run(['sessions', 'end', session?.id ?? '', '--confirm', 'acme'])
    },
  )

  it("another person's is not ended by who may only end their own", TIMEOUT, async () => {
    await using _command = await sleeper()
    const [session] = await list()
    const printed = await cli.run(['iam', 'policy', '--for', 'sessions end'])
    const policy = policySchema.parse(JSON.parse(printed.stdout))
    // As if the policy were somebody else's: the tag of the session is not their id.
    const theirs = JSON.parse(JSON.stringify(policy).replace('{aws:userid}', '{aws:username}-2')) as object
    cli.sandbox.cloud.state.turn({ policy: policySchema.parse(theirs) })
    const { status, stdout, stderr } = await cli.run([
      'sessions',
      'end',
      session?.id ?? '',
      '--confirm',
      'acme',
    ])
    assert.equal(status, 6)
    assert.match(stdout, /^not ended operator-/)
    assert.match(stderr, /not allowed: ssm:TerminateSession/)
  })
})
