/** What tags, logs, agents and services write reaches no terminal as something that it would obey. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { type CliEvent, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { type AwsAnswer, callerIdentity, jsonError, ScriptedAws } from '../support/scripted-aws.ts'
import { runCli } from '../support/transcript.ts'

/** C1 and marks of direction, which XML may hold; with C0 it renames the window, clears it and colours what follows. */
const PRINTABLE = '\u009b31m\u202egnp.exe\u2066\u200b'
const HOSTILE = `\u001b]0;owned\u0007\u001b[2J${PRINTABLE}`

/** Whatever a terminal would obey or hide; line ends and tabs are its business. */
const OBEYED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u

function assertHarmless(text: string): void {
  const found = OBEYED.exec(text)
  assert.equal(found, null, `${JSON.stringify(found?.[0])} in ${JSON.stringify(text)}`)
}

const CERBERUS = 'cerberus-5f4d9c7b66-b8n4h'

describe('text from an installation', { timeout: 60_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli({ logInterval: 0 })
  })
  after(() => cli?.[Symbol.asyncDispose]())

  it('the last words of a session, on stderr and as JSON', async () => {
    for (const json of [false, true]) {
      const words = [
        'tunnel',
        'payload.internal.acme.example:8080',
        '--port',
        '0',
        ...(json ? ['--json'] : []),
      ]
      await using tunnel = cli.start(words)
      await tunnel.until(() => (tunnel.stdout.includes('127.0.0.1') ? true : undefined), 'ready')
      for (const session of cli.sandbox.cloud.gateway.sessions()) session.end(HOSTILE)
      const { stdout, stderr, status } = await tunnel.outcome
      assert.equal(status, 7)
      assertHarmless(stdout + stderr)
      if (json) assert.equal(lastOf(tunnel.events)['why'], HOSTILE.trim())
      else assert.match(stderr, /why: \\x1b\]0;owned\\x07/)
    }
  })

  it('the reason for which a pod waits', async () => {
    await using other = await startSandboxCli({ logInterval: 0 })
    other.sandbox.kubernetes.faults.stopContainer({ pod: CERBERUS, waiting: HOSTILE })
    const { stdout, stderr, status } = await other.run(['tunnel', 'cerberus', '--port', '0'])
    assert.equal(status, 7)
    assertHarmless(stdout + stderr)
    assert.match(stderr, /owned\\x07/)
  })

  it('a line of a log, as JSON, with nothing of it lost', async () => {
    const { faults } = cli.sandbox.kubernetes
    faults.rotateLog({ pod: CERBERUS })
    faults.writeLog({ pod: CERBERUS, lines: [HOSTILE] })
    const { stdout, status } = await cli.run(['logs', 'cerberus', '--json'])
    assert.equal(status, 0)
    assertHarmless(stdout)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; text?: string })
    assert.deepEqual(
      events.filter(({ event }) => event === 'line').map(({ text }) => text),
      [HOSTILE],
    )
  })

  it('a line of a log, on a terminal', async (test) => {
    const pty = await import('../support/pty-person.ts').catch(() => undefined)
    if (pty === undefined) return test.skip('the pty library is not installed for this platform')
    const { faults } = cli.sandbox.kubernetes
    faults.rotateLog({ pod: CERBERUS })
    faults.writeLog({ pod: CERBERUS, lines: [HOSTILE] })
    const { cliEntry } = await import('../support/sandbox-cli.ts')
    await using person = new pty.PtyPerson(process.execPath, [cliEntry, 'logs', 'cerberus'], {
      columns: 200,
      environment: { ...cli.environment, NO_COLOR: '1' },
      cwd: cli.home,
    })
    await person.sees(/\\x1b\]0;owned\\x07\\x1b\[2J\\x9b31m\\u202egnp\.exe/)
    await person.exit
    assertHarmless(person.written.replaceAll('\r\n', '\n'))
  })
})

describe('text from a service of the cloud', { timeout: 60_000 }, () => {
  let home: string
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'pgctl-hostile-'))
    await mkdir(join(home, 'pgctl'))
    await writeFile(join(home, 'pgctl', 'config.yaml'), INSTALLATION)
  })
  after(() => rm(home, { recursive: true, force: true }))

  /** Runs pgctl against an endpoint whose every word is hostile. */
  async function run(argv: readonly string[]) {
    await using aws = await ScriptedAws.start(
      ({ operation }) => ANSWERS[operation] ?? jsonError('AccessDeniedException', HOSTILE),
    )
    const environment = {
      PATH: process.env['PATH'],
      HOME: home,
      XDG_CONFIG_HOME: home,
      XDG_STATE_HOME: home,
      XDG_CACHE_HOME: home,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE23',
      AWS_SECRET_ACCESS_KEY: 'none',
    }
    const outcome = await runCli(argv, environment, { cwd: home })
    assertHarmless(outcome.stdout + outcome.stderr)
    return outcome
  }

  it('tags and versions, on the screen', async () => {
    const { stdout } = await run(['status'])
    assert.match(stdout, /\\x9b31m\\u202egnp\.exe/, 'the tag')
    assert.match(stdout, /agent 3\.3\.5102\.0\\x1b\]0;owned/, 'the version of the agent')
    assert.match(stdout, /1\.35\\x1b\]0;owned/, 'the version of the cluster')
  })

  it('tags, as JSON, with nothing of them lost', async () => {
    const { stdout } = await run(['status', '--json'])
    const { bastion } = JSON.parse(stdout) as { bastion: { name: string } }
    assert.equal(bastion.name, `bastion${PRINTABLE}`)
  })

  it('a refusal', async () => {
    const { stderr, status } = await run(['exec', '--', 'true'])
    assert.equal(status, 6)
    assert.match(stderr, /owned\\x07/)
    const json = await run(['tunnel', 'db.internal:5432', '--port', '0', '--json'])
    assert.equal(json.status, 6)
    const { why } = JSON.parse(json.stdout.trimEnd().split('\n').at(-1) ?? '') as { why: string }
    assert.ok(why.includes('owned\u0007'), why)
  })
})

const INSTALLATION = `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
    bastion: ${WORLD.bastion.instanceId}
`

/** Everything that status asks, in the services' wire forms. */
const ANSWERS: Readonly<Record<string, AwsAnswer>> = {
  GetCallerIdentity: callerIdentity(WORLD.account),
  DescribeInstanceInformation: {
    body: JSON.stringify({
      InstanceInformationList: [
        {
          InstanceId: WORLD.bastion.instanceId,
          PingStatus: 'Online',
          LastPingDateTime: 1_795_428_000,
          AgentVersion: `3.3.5102.0${HOSTILE}`,
          IPAddress: '10.0.16.20',
        },
      ],
    }),
  },
  DescribeInstances: {
    type: 'text/xml',
    body: `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>request-1</requestId><reservationSet><item><instancesSet><item><instanceId>${WORLD.bastion.instanceId}</instanceId><instanceState><code>16</code><name>running</name></instanceState><launchTime>2026-11-20T08:00:00.000Z</launchTime><privateIpAddress>10.0.16.20</privateIpAddress><tagSet><item><key>Name</key><value>bastion${PRINTABLE}</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
  },
  [`GET /clusters/${WORLD.cluster.name}`]: {
    type: 'application/json',
    body: JSON.stringify({
      cluster: {
        name: WORLD.cluster.name,
        version: `1.35${HOSTILE}`,
        status: 'ACTIVE',
        endpoint: `https://${WORLD.cluster.host}`,
        certificateAuthority: { data: Buffer.from('PEM').toString('base64') },
      },
    }),
  },
  GetDocument: { body: JSON.stringify({ Content: '{}' }) },
}

function lastOf(events: readonly CliEvent[]): CliEvent {
  const last = events.at(-1)
  assert.ok(last !== undefined, 'there is no event')
  return last
}
