/**
 * The permissions that are printed, held against what the commands call: each command runs in the sandbox with its own
 * policy and nothing else, as IAM would evaluate it. A call that the policy lacks fails the command; a right of the
 * policy that no call has used fails the test.
 */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { lifeKey } from '#core/bastion/names.ts'
import { COMMANDS, type CommandWithNeeds } from '#core/permissions/needs.ts'
import { tableName } from '#core/stack/names.ts'
import type { RecordedCall } from '#sandbox/aws/calls.ts'
import { allows, type Policy, permits, policySchema } from '#sandbox/aws/policy.ts'
import { resourceTags } from '#sandbox/aws/resource-tags.ts'
import { DEFAULT_KNOBS, type KnobsChange } from '#sandbox/knobs.ts'
import { CONFIG } from '#sandbox/life.ts'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { noteLook } from '../support/note-look.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** How one command is run so that it makes every call that it ever makes. */
interface Scenario {
  readonly argv: readonly string[]
  readonly installation?: 'globex'
  /** Loses its data channel once, so that it asks to resume. */
  readonly cut?: boolean
  /** Runs until it has shown this, and is then interrupted. */
  readonly until?: string
  readonly terminal?: boolean
  readonly knobs?: KnobsChange
  /** What is run first, whatever the policy. */
  readonly before?: readonly (readonly string[])[]
  readonly prepare?: (cli: SandboxCli) => unknown
  /** What is run behind it, by the same policy. */
  readonly after?: readonly string[]
  /** With what else it may end, for want of something on this computer. */
  readonly mayEndWith?: number
}

/** Of which only the newest point is kept. */
const SNAPSHOT_POLICY = `zone: UTC
sets:
  all:
    what: [all]
    when: { cron: 0 0 29 2 * }
    keep: { last: 1, minimum: 1 }
`

const COPIES = '    copy: { region: us-east-1, key: alias/away }\n'

/** Stands for the home of who types the words. */
const HOME = 'HOME'

/** Asks for an address, which the proxy has looked up on the far side, and for a Service. */
const THROUGH_PROXY = `#!${process.execPath}
const { connect } = require('node:net')
const { hostname, port, username, password } = new URL(process.env.HTTP_PROXY)
const login = Buffer.from(username + ':' + password).toString('base64')
const ask = (to) => new Promise((resolve) => {
  const socket = connect(Number(port), hostname)
  socket.write('CONNECT ' + to + ' HTTP/1.1\\r\\nHost: ' + to + '\\r\\nProxy-Authorization: Basic ' + login + '\\r\\n\\r\\n')
  socket.once('data', resolve).once('close', resolve).once('error', resolve)
})
ask('10.0.0.1:5432').then(() => ask('grafana:4500')).then(() => process.exit())
`

/** Stands for the id of a session that is opened for the scenario. */
const OWN_SESSION = 'OWN'

/** A data channel that is slow for a moment is cut before its command has ended. */
const SLOW_WAY = { kind: 'delay', ms: 250 } as const

const SCENARIOS: Readonly<Record<CommandWithNeeds, readonly Scenario[]>> = {
  status: [
    { argv: ['status'], cut: true },
    // Where its policy may not be read, a bucket's list of grants is looked at.
    { argv: ['status'], knobs: { deny: ['s3:GetBucketPolicyStatus'] } },
    { argv: ['status'], installation: 'globex' },
  ],
  doctor: [
    { argv: ['doctor', 'postgres'], cut: true },
    { argv: ['doctor', 'redis'] },
    { argv: ['doctor', 'kafka'], installation: 'globex' },
    { argv: ['doctor'], knobs: { agent: 'offline' } },
  ],
  sessions: [{ argv: ['sessions', '--history'] }],
  'sessions end': [{ argv: ['sessions', 'end', OWN_SESSION, '--confirm', 'acme'] }],
  tunnel: [
    { argv: ['tunnel', 'grafana', 'postgres', 'redis'], until: 'redis', cut: true },
    { argv: ['tunnel', 'kafka'], installation: 'globex' },
  ],
  'tunnel run': [
    { argv: ['tunnel', 'run', 'grafana', 'postgres', 'redis', '--', 'slow-shell'], cut: true },
    { argv: ['tunnel', 'run', 'kafka', '--', 'slow-shell'], installation: 'globex' },
  ],
  proxy: [
    { argv: ['proxy', '--', 'through-proxy'], cut: true },
    { argv: ['proxy', '--', 'through-proxy'], installation: 'globex' },
  ],
  targets: [{ argv: ['targets'] }, { argv: ['targets'], installation: 'globex' }],
  psql: [
    { argv: ['psql'], cut: true },
    { argv: ['psql', '--credentials', 'secrets-manager'] },
    { argv: ['psql', 'managed-sync', '--credentials', 'secrets-manager'], installation: 'globex' },
  ],
  redis: [
    { argv: ['redis'], cut: true },
    { argv: ['redis', 'sync'], installation: 'globex' },
    { argv: ['redis', 'sync', '--credentials', 'secrets-manager'], installation: 'globex' },
  ],
  logs: [{ argv: ['logs', 'hermes'], cut: true }],
  exec: [{ argv: ['exec', '--', 'sleep', '1'], cut: true }],
  login: [{ argv: ['login'], terminal: true, cut: true }],
  cp: [
    { argv: ['cp', `:${HOME}/copies.yaml`, 'down.yaml'], cut: true },
    { argv: ['cp', 'copies.yaml', `:${HOME}/up.yaml`] },
  ],
  'ssh-proxy': [
    { argv: ['ssh-proxy'] },
    { argv: ['ssh-proxy', '--document', 'ssh'] },
    { argv: ['ssh-proxy', '--known-hosts', 'acme.pgctl'], cut: true, mayEndWith: 1 },
  ],
  kubeconfig: [
    { argv: ['kubeconfig', '--write', 'acme.kube'], cut: true, after: ['tunnel', 'stop', '--all'] },
  ],
  kubectl: [{ argv: ['kubectl', '--', 'get', 'pods'], cut: true }],
  helm: [{ argv: ['helm', '--', 'list'], cut: true }],
  run: [{ argv: ['run', '--', 'kubectl'], cut: true }],
  shell: [{ argv: ['shell'], cut: true }],
  'analytics status': [{ argv: ['analytics', 'status'], cut: true }],
  'analytics on': [{ argv: ['analytics', 'on'], cut: true }],
  'analytics off': [{ argv: ['analytics', 'off'], cut: true }],
  'egress list': [{ argv: ['egress', 'list', '--deployed'] }],
  'egress verify': [{ argv: ['egress', 'verify', '--deployed'] }],
  'egress checkpoint': [{ argv: ['egress', 'checkpoint', '--deployed'] }],
  'snapshots plan': [{ argv: ['snapshots', 'plan'] }],
  'snapshots list': [{ argv: ['snapshots', 'list'] }],
  'snapshots show': [{ argv: ['snapshots', 'show', 'newest'] }],
  'snapshots calendar': [{ argv: ['snapshots', 'calendar'] }],
  'snapshots pin': [
    { argv: ['snapshots', 'pin', 'newest'] },
    { argv: ['snapshots', 'pin', 'newest', '--remove'] },
  ],
  'snapshots prune': [
    {
      argv: ['snapshots', 'prune', '--confirm', 'acme'],
      before: [
        ['snapshots', 'create'],
        ['snapshots', 'create'],
      ],
    },
  ],
  'snapshots restore': [
    { argv: ['snapshots', 'restore', 'newest', '--confirm', 'acme', '--no-wait'] },
    {
      argv: ['snapshots', 'restore', 'newest', '--confirm', 'globex', '--no-wait'],
      installation: 'globex',
      before: [['snapshots', 'create']],
    },
  ],
  'snapshots policy': [
    { argv: ['snapshots', 'policy', '--set', 'snapshots.yaml', '--confirm', 'acme'] },
    { argv: ['snapshots', 'policy', '--deployed'] },
  ],
  'snapshots forecast': [{ argv: ['snapshots', 'forecast'] }],
  'snapshots verify': [{ argv: ['snapshots', 'verify'], cut: true }],
  'snapshots create': [
    {
      argv: ['snapshots', 'create', '--due', '--policy', 'copies.yaml'],
      before: [['snapshots', 'create', '--policy', 'copies.yaml']],
    },
    { argv: ['snapshots', 'create'], cut: true },
  ],
  'bastion status': [{ argv: ['bastion', 'status'] }],
  'bastion hold': [{ argv: ['bastion', 'hold', '1h', '--reason', 'INC-4711'] }],
  'bastion release': [{ argv: ['bastion', 'release'] }],
  'bastion elevate': [
    {
      argv: ['bastion', 'elevate', '--for', '1h', '--reason', 'INC-4711'],
      prepare: ({ sandbox }) => noteLook(sandbox),
    },
    { argv: ['bastion', 'elevate', '--end'] },
  ],
  'bastion refresh': [
    {
      argv: ['bastion', 'refresh', '--confirm', 'acme'],
      // The second bastion of the others is no machine of the group.
      knobs: { replacement: 'none' },
      prepare: (cli) => groupIn(cli).addVersion('ami-0123456789abcdef0', Date.now()),
    },
  ],
  'bastion stop': [{ argv: ['bastion', 'stop', '--confirm', 'acme'] }],
  'bastion start': [{ argv: ['bastion', 'start'] }],
}

function groupIn({ sandbox }: SandboxCli) {
  return sandbox.cloud.state.groupOf(WORLD)
}

/** Neither installation of the sandbox has a cluster of databases, which have calls of their own. */
const NEVER_SEEN = new RegExp(
  [
    'DBClusterSnapshots?$',
    'RestoreDBClusterFromSnapshot$',
    'rds:CreateDBInstance$',
    '^SeeDatabases rds:DescribeDBClusters$',
    '^ReadPasswordsOfDatabaseClusters ',
  ].join('|'),
)

/** Commands that call nothing of AWS, or whose calls the sandbox does not answer. */
const WITHOUT_NEEDS: Readonly<Record<string, string>> = {
  'cluster-session': 'belongs to a shell on the bastion, and asks nobody',
  'cluster-token': 'signs a token; the tunnel that it may have opened is that of kubeconfig',
  complete: 'asks nobody',
  completion: 'asks nobody',
  config: 'asks nobody',
  help: 'asks nobody',
  installations: 'asks nobody',
  use: 'asks nobody',
  ...Object.fromEntries(
    ['analytics preview', 'egress show', 'image verify', 'snapshots rehearse'].map((name) => [
      name,
      'reads files of this computer',
    ]),
  ),
  ...Object.fromEntries(
    ['sandbox down', 'sandbox env', 'sandbox fault', 'sandbox knobs', 'sandbox status', 'sandbox up'].map(
      (name) => [name, 'is the sandbox'],
    ),
  ),
  ...Object.fromEntries(
    ['billing', 'license install', 'license request', 'license status', 'license verify'].map((name) => [
      name,
      'asks the vendor, and with --deployed a function, which the sandbox has not',
    ]),
  ),
  ...Object.fromEntries(
    ['image fetch', 'image lock', 'image seal'].map((name) => [name, 'makes images, of what is on mirrors']),
  ),
  ...Object.fromEntries(
    ['tunnel attach', 'tunnel list', 'tunnel logs', 'tunnel stop'].map((name) => [
      name,
      'asks the supervisor on this computer',
    ]),
  ),
  supervise: 'opens what it was asked for, with the credentials of who asked',
  'bastion audit-stream': "is called on the bastion, whose role is in the bastion's stack",
  'bastion motd': 'reads files of the bastion',
  'bastion report': "is called on the bastion, whose role is in the bastion's stack",
  ...Object.fromEntries(
    ['bastion deploy', 'bastion destroy'].map((name) => [
      name,
      'asks CloudFormation, which the sandbox has not; README.md says what',
    ]),
  ),
  deploy: 'asks CloudFormation, which the sandbox has not; README.md says what',
  'egress diff': 'reads whichever bucket or log group is named; README.md says what',
  'iam documents': 'reads what status reads',
  'iam kubernetes': 'asks nobody',
  'iam policy': 'reads the session preferences where it may, and does without',
}

const pty = await import('../support/pty-person.ts').catch(() => undefined)

describe('permissions', { timeout: 400_000 }, () => {
  let cli: SandboxCli
  let packed: PackagedCli
  before(async () => {
    packed = await packCli()
    cli = await startSandboxCli({ config: CONFIG, logInterval: 0, snapshotTakes: 1 })
    await writeFile(join(cli.home, 'snapshots.yaml'), SNAPSHOT_POLICY)
    await writeFile(join(cli.home, 'copies.yaml'), `${SNAPSHOT_POLICY}${COPIES}`)
    // What reads snapshots finds some of every kind.
    assert.equal((await cli.run(['snapshots', 'create'])).status, 0)
    const bin = join(cli.home, 'bin')
    await mkdir(bin)
    for (const name of ['kubectl', 'helm', 'psql', 'redis-cli', 'slow-shell'])
      await writeFile(join(bin, name), '#!/bin/sh\nsleep 1\n', { mode: 0o755 })
    await writeFile(join(bin, 'through-proxy'), THROUGH_PROXY, { mode: 0o755 })
    // A group that names no number has to be asked which version it means.
    groupIn(cli).version = '$Latest'
  })
  afterEach(() => {
    cli.sandbox.cloud.gateway.order({ kind: 'clear' })
    cli.sandbox.cloud.state.turn(DEFAULT_KNOBS)
  })
  after(async () => {
    await cli?.[Symbol.asyncDispose]()
    await packed?.[Symbol.asyncDispose]()
  })

  const surroundings = ({ installation = 'acme' as string }) => ({
    environment: {
      PGCTL_INSTALLATION: installation,
      // A way of its own has every call that a shared one has, and ends with its command.
      PGCTL_BACKGROUND: 'off',
      PGCTL_CA: join(cli.home, 'authority.pem'),
      SHELL: join(cli.home, 'bin/slow-shell'),
      PATH: `${join(cli.home, 'bin')}${delimiter}${process.env['PATH']}`,
    },
  })

  async function policyOf(command: string, scenario: Scenario): Promise<Policy> {
    const argv = ['iam', 'policy', '--for', command, '--json']
    const { stdout, stderr, status } = await cli.run(argv, surroundings(scenario))
    assert.equal(status, 0, stderr)
    return policySchema.parse(JSON.parse(stdout))
  }

  /** Runs it; its calls. */
  async function play(scenario: Scenario): Promise<readonly RecordedCall[]> {
    const { cloud } = cli.sandbox
    const from = cloud.calls.last
    const called = (action: string) => cloud.calls.since(from).some((call) => call.action === action)
    if (scenario.cut) cloud.gateway.order(SLOW_WAY)
    const { environment } = surroundings(scenario)
    if (scenario.terminal) {
      assert.ok(pty !== undefined)
      await using person = new pty.PtyPerson(process.execPath, [packed.entry, ...scenario.argv], {
        environment: { ...cli.environment, ...environment },
        cwd: cli.home,
      })
      await person.sees(/\$ /)
      cloud.gateway.order({ kind: 'cut' })
      await eventually(() => called('ResumeSession'))
      person.type('exit\r')
      await person.exit
    } else {
      await using before = scenario.argv.includes(OWN_SESSION) ? await openSession(environment) : undefined
      const argv = scenario.argv.map((word) =>
        word === OWN_SESSION ? (before?.id ?? '') : word.replace(HOME, cli.home),
      )
      await using command = cli.start(argv, { environment })
      if (scenario.cut) {
        await eventually(() => called('OpenDataChannel'))
        cloud.gateway.order({ kind: 'cut' })
        await eventually(() => called('ResumeSession'))
      }
      if (scenario.until !== undefined) {
        const word = scenario.until
        await command.until(() => (command.stdout.includes(word) ? true : undefined), word)
        command.kill('SIGINT')
      }
      const { status, stderr } = await command.outcome
      const ends = [0, 5, 7, 130, scenario.mayEndWith]
      assert.ok(ends.includes(status ?? -1), `${scenario.argv.join(' ')}: ${stderr}`)
    }
    if (scenario.after !== undefined) {
      const { status, stderr } = await cli.run(scenario.after, { environment })
      assert.equal(status, 0, stderr)
    }
    return cloud.calls.since(from)
  }

  /** A session of the operator's, opened without the policy that is tried. */
  async function openSession(environment: Record<string, string>) {
    const { state, gateway } = cli.sandbox.cloud
    const { policy } = state.knobs
    state.turn({ policy: null })
    const before = new Set(gateway.sessions().map(({ terms }) => terms.id))
    const command = cli.start(['exec', '--', 'sh', '-c', 'echo up; sleep 60'], { environment })
    const running = () => gateway.sessions().filter(({ terms }) => !before.has(terms.id))
    await command.until(() => (command.stdout.includes('up') ? true : undefined), 'up')
    state.turn({ policy })
    const id = running()[0]?.terms.id ?? ''
    return { id, [Symbol.asyncDispose]: () => command[Symbol.asyncDispose]() }
  }

  // Whoever signs nothing only wants to know whether somebody is there.
  const isDenied = ({ outcome, caller }: RecordedCall) =>
    caller !== undefined && /Denied|Unauthorized|NotAuthorized/.test(outcome)

  for (const command of COMMANDS)
    it(`${command}: what its policy grants is what it calls`, { timeout: 90_000 }, async (test) => {
      const scenarios = SCENARIOS[command]
      if (scenarios.some(({ terminal }) => terminal) && pty === undefined)
        return test.skip('the pty library is not installed for this platform')
      const { cloud } = cli.sandbox
      const unused = new Map<string, boolean>()
      for (const scenario of scenarios) {
        for (const argv of scenario.before ?? []) await cli.run(argv, surroundings(scenario))
        await scenario.prepare?.(cli)
        cloud.state.turn({ ...DEFAULT_KNOBS, kms: 'on', exposed: ['bucket'] })
        const policy = await policyOf(command, scenario)
        // With a second bastion that is not ready yet, the machines are looked at as well.
        cloud.state.turn({ policy, replacement: 'online', ...scenario.knobs })
        const calls = await play(scenario)
        cloud.state.turn({ policy: null })
        const onPurpose = ({ permission = '' }: RecordedCall) => scenario.knobs?.deny?.includes(permission)
        assert.deepEqual(
          calls.filter((call) => isDenied(call) && !onPurpose(call)),
          [],
        )
        const tagsOf = resourceTags(cloud.state, cloud.gateway, cloud.snapshots)
        for (const statement of policy.Statement)
          for (const action of statement.Action) {
            const place = `${statement.Sid} ${action}`
            const used = calls.some((call) => isUse(call, action, statement, tagsOf))
            unused.set(place, (unused.get(place) ?? true) && !used)
          }
      }
      const names = [...unused].filter(([place, is]) => is && !NEVER_SEEN.test(place)).map(([place]) => place)
      assert.deepEqual(names, [], 'granted, and never used')
    })

  it('every command has a policy, or a reason for having none', () => {
    const manifest = JSON.parse(readFileSync(join(packed.folder, 'oclif.manifest.json'), 'utf8'))
    const known = new Set<string>([...COMMANDS, ...Object.keys(WITHOUT_NEEDS)])
    const ids = Object.keys(manifest.commands).map((id) => id.replaceAll(':', ' '))
    assert.deepEqual(
      ids.filter((id) => !known.has(id)),
      [],
    )
    assert.deepEqual(
      [...known].filter((id) => !ids.includes(id)),
      [],
    )
  })

  it('without one of its rights, a command fails and names it', { timeout: 60_000 }, async () => {
    const policy = await policyOf('exec', { argv: [] })
    const without = (sid: string) => ({
      ...policy,
      Statement: policy.Statement.filter(({ Sid }) => Sid !== sid),
    })
    for (const [sid, named] of [
      ['StartSessionsOnTheBastion', `ssm:StartSession on arn:aws:ec2:${WORLD.region}`],
      ['ByTheCommandDocument', 'document/AWS-StartNonInteractiveCommand'],
    ] as const) {
      cli.sandbox.cloud.state.turn({ policy: without(sid) })
      const { status, stderr } = await cli.run(['exec', '--', 'true'], surroundings({}))
      assert.equal(status, 6, stderr)
      assert.ok(stderr.includes(named), stderr)
    }
  })

  it('another instance, and the sessions of another person, stay shut', { timeout: 60_000 }, async () => {
    const policy = await policyOf('exec', { argv: [] })
    const tags = resourceTags(cli.sandbox.cloud.state, cli.sandbox.cloud.gateway, cli.sandbox.cloud.snapshots)
    const { account, region } = WORLD
    const caller = {
      account,
      arn: `arn:aws:iam::${account}:user/operator`,
      userId: 'AIDA7SANDBOXOPERATOR2',
      sessionName: 'operator',
    }
    const may = (action: string, resource: string, own = tags(resource)) =>
      permits(policy, { action, resource, tags: own, caller })
    const instance = (id: string) => `arn:aws:ec2:${region}:${account}:instance/${id}`
    // That of now: the commands before have replaced the first one.
    const bastion = cli.sandbox.cloud.state.instances(WORLD).find(({ purpose }) => purpose === 'bastion')
    assert.equal(may('ssm:StartSession', instance(bastion?.instanceId ?? '')), true)
    assert.equal(may('ssm:StartSession', instance(WORLD.nodes[0].instanceId)), false)
    const session = `arn:aws:ssm:${region}:${account}:session/operator-0a1b2c3d`
    for (const [owner, allowed] of [
      [caller.userId, true],
      ['AIDA7ANOTHERPERSON234', false],
    ] as const)
      assert.equal(may('ssm:TerminateSession', session, { 'aws:ssmmessages:session-id': owner }), allowed)
    const document = (name: string) => `arn:aws:ssm:${region}::document/${name}`
    assert.equal(may('ssm:StartSession', document('AWS-StartNonInteractiveCommand')), true)
    assert.equal(may('ssm:StartSession', document('AWS-StartSSHSession')), false)
  })

  it('passwords of other databases, and what others write down, stay shut', { timeout: 60_000 }, async () => {
    const { account, region, workspace } = WORLD
    const caller = { account, arn: `arn:aws:iam::${account}:user/operator`, userId: '', sessionName: '' }
    const psql = await policyOf('psql', { argv: [] })
    const secret = `arn:aws:secretsmanager:${region}:${account}:secret:rds!db-1b4e28ba-a1b2c3`
    for (const [owner, allowed] of [
      [workspace, true],
      ['somebody-elses', false],
    ] as const) {
      const tags = { 'aws:rds:primaryDBInstanceArn': `arn:aws:rds:${region}:${account}:db:${owner}` }
      const demand = { action: 'secretsmanager:GetSecretValue', resource: secret, tags, caller }
      assert.equal(permits(psql, demand), allowed, owner)
    }
    const hold = await policyOf('bastion hold', { argv: [] })
    const table = `arn:aws:dynamodb:${region}:${account}:table/${tableName(workspace)}`
    for (const [key, allowed] of [
      [lifeKey(workspace), true],
      ['another', false],
    ] as const) {
      const context = { 'dynamodb:LeadingKeys': key }
      const demand = { action: 'dynamodb:PutItem', resource: table, tags: {}, context, caller }
      assert.equal(permits(hold, demand), allowed, key)
    }
  })
})

function isUse(
  call: RecordedCall,
  action: string,
  statement: Policy['Statement'][number],
  tagsOf: (arn: string) => Readonly<Record<string, string>>,
): boolean {
  if (call.permission !== action && !call.dependents.includes(action)) return false
  const resources = call.resources.length === 0 ? ['*'] : call.resources
  const caller = { account: '', arn: call.caller ?? '', userId: userIdOf(call.caller ?? ''), sessionName: '' }
  return resources.some((resource) =>
    // What a condition asks has been checked by the sandbox; here only the place counts.
    allows({ ...statement, Condition: undefined }, { action, resource, tags: tagsOf(resource), caller }),
  )
}

function userIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}
