import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { FRESH_LIFE } from '#core/bastion/life-state.ts'
import { activityKey, lifeKey } from '#core/bastion/names.ts'
import { figuresOf as figuresOfLife } from '#core/bastion/tick-figures.ts'
import { parseProfile, resourceName } from '#core/installation/profile.ts'
import type { Plan } from '#core/snapshots/plan.ts'
import { type FigureSeries, figuresOf } from '#core/snapshots/tick-figures.ts'
import {
  checkpointBucket,
  licenseParameter,
  signingAlias,
  snapshotPolicyParameter,
  tableName,
} from '#core/stack/names.ts'
import {
  BASTION_VARIABLES,
  METRICS_DIMENSION,
  METRICS_NAMESPACE,
  SNAPSHOT_VARIABLES,
  VARIABLES,
} from '../../functions/names.ts'
import { packCli } from '../support/packaged-cli.ts'

/**
 * The template that `osls package` makes of `serverless.yml`, with no credentials: what the functions may do, and that
 * its names are those of the code.
 */

interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

interface Resource {
  readonly Type: string
  readonly DeletionPolicy?: string
  // biome-ignore lint/suspicious/noExplicitAny: the properties of every type of resource.
  readonly Properties: any
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const WORKSPACE = 'paragon-acme-5d1f0c2e'
const SECRET = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:acme'
const PARAMETERS = {
  workspace: WORKSPACE,
  installationId: `ins-${'ab'.repeat(16)}`,
  licenseSecret: SECRET,
  subnets: 'subnet-a,subnet-b',
  securityGroup: 'sg-1',
  topic: 'arn:aws:sns:eu-central-1:111122223333:alerts',
}

/** Roles of functions that are in subnets, and what they are called. */
const FUNCTIONS = [
  ['LicenseVerifyRole', 'license-verify'],
  ['LedgerCheckpointRole', 'ledger-checkpoint'],
] as const

describe('the packaged template', { timeout: 120_000 }, () => {
  let folder: string
  let resources: Readonly<Record<string, Resource>>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-template-'))
    // Builds what is packaged, if it is not there.
    await using _cli = await packCli()
    const words = Object.entries(PARAMETERS).flatMap(([name, value]) => ['--param', `${name}=${value}`])
    await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/.bin/osls'), 'package', '--package', folder, ...words],
      // No credentials and an empty home: what the template is depends on the sources alone.
      { cwd: root, env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: folder } },
    )
    const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')
    resources = JSON.parse(text).Resources
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const ofType = (type: string) => Object.values(resources).filter(({ Type }) => Type === type)
  const named = (name: string): Resource => {
    const found = resources[name]
    assert.ok(found !== undefined, name)
    return found
  }
  const statementsOf = (role: string): Statement[] =>
    named(role).Properties.Policies.flatMap(
      (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
    )
  const actionsOf = ({ Action }: Statement): readonly string[] =>
    typeof Action === 'string' ? [Action] : Action

  const rightsOf = (role: string) =>
    statementsOf(role)
      .filter(({ Effect, Sid }) => Effect === 'Allow' && Sid !== 'LetTheServiceJoinTheSubnets')
      .map((statement) => [actionsOf(statement), statement.Resource])

  it('gives the license function these rights on these resources, and no other', () => {
    const logs = `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${WORKSPACE}-license-verify:*`
    const parameter = `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter/pgctl/${WORKSPACE}/license`
    const allowed: [actions: readonly string[], resource: unknown][] = [
      [['logs:CreateLogStream', 'logs:PutLogEvents'], { 'Fn::Sub': logs }],
      [['dynamodb:GetItem', 'dynamodb:PutItem'], { 'Fn::GetAtt': ['StateTable', 'Arn'] }],
      [['ssm:PutParameter'], { 'Fn::Sub': parameter }],
      [['secretsmanager:GetSecretValue'], SECRET],
      [['sqs:SendMessage'], { 'Fn::GetAtt': ['LicenseVerifyFailures', 'Arn'] }],
    ]
    assert.deepEqual(rightsOf('LicenseVerifyRole'), allowed)
  })

  it('gives the function that signs the ledger these rights on these resources, and no other', () => {
    const arn = (rest: string) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${rest}` })
    const here = `\${AWS::Region}:\${AWS::AccountId}`
    const table = { 'Fn::GetAtt': ['StateTable', 'Arn'] }
    assert.deepEqual(rightsOf('LedgerCheckpointRole'), [
      [
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        arn(`logs:${here}:log-group:/aws/lambda/${WORKSPACE}-ledger-checkpoint:*`),
      ],
      [['dynamodb:GetItem'], table],
      [['dynamodb:PutItem'], table],
      [['kms:GetPublicKey'], arn(`kms:${here}:key/*`)],
      [['s3:PutObject'], { 'Fn::Sub': `\${CheckpointBucket.Arn}/*` }],
      [['sqs:SendMessage'], { 'Fn::GetAtt': ['LedgerCheckpointFailures', 'Arn'] }],
    ])
  })

  it('keeps apart who writes the ledger and who signs it, in the table and in the key', () => {
    const places = (role: string) =>
      statementsOf(role)
        .filter((statement) => actionsOf(statement).includes('dynamodb:PutItem'))
        .map(({ Condition }) => Object(Condition)['ForAllValues:StringLike'])
    assert.deepEqual(places('LicenseVerifyRole'), [{ 'dynamodb:LeadingKeys': ['egress/*', 'license/*'] }])
    assert.deepEqual(places('LedgerCheckpointRole'), [{ 'dynamodb:LeadingKeys': ['checkpoints/*'] }])
    const { KeyPolicy, KeySpec, KeyUsage } = named('LedgerKey').Properties
    assert.deepEqual([KeySpec, KeyUsage], ['ECC_NIST_EDWARDS25519', 'SIGN_VERIFY'])
    const signing = (KeyPolicy.Statement as (Statement & { Principal: unknown })[]).filter((statement) =>
      actionsOf(statement).some((action) => /^(kms:Sign|kms:CreateGrant|kms:.*\*|\*)$/.test(action)),
    )
    assert.deepEqual(
      signing.map(({ Principal }) => Principal),
      [{ AWS: { 'Fn::GetAtt': ['LedgerCheckpointRole', 'Arn'] } }],
    )
    // Roles name the action nowhere: only the key's policy gives it.
    const roles = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::IAM::Role')
    for (const [name] of roles)
      assert.ok(!statementsOf(name).some((statement) => actionsOf(statement).includes('kms:Sign')), name)
  })

  it('keeps checkpoints where they are versioned, closed to the public, and locked if that is wanted', () => {
    const { DeletionPolicy, Properties } = named('CheckpointBucket')
    assert.deepEqual(
      [DeletionPolicy, Properties.ObjectLockEnabled, Properties.VersioningConfiguration.Status],
      ['Retain', true, 'Enabled'],
    )
    assert.deepEqual(new Set(Object.values(Properties.PublicAccessBlockConfiguration)), new Set([true]))
    assert.equal(Properties.ObjectLockConfiguration['Fn::If'][0], 'LockCheckpoints')
  })

  it('lets the service join the functions to their subnets, and denies the same to their code', () => {
    for (const [role, name] of FUNCTIONS) {
      const statements = statementsOf(role)
      const joining = statements.find(({ Sid }) => Sid === 'LetTheServiceJoinTheSubnets')
      for (const action of actionsOf(joining as Statement))
        assert.match(action, /^ec2:(\w*NetworkInterfaces?|DescribeSubnets|\w*PrivateIpAddresses)$/)
      const denying = statements.filter(({ Effect }) => Effect === 'Deny')
      assert.equal(denying.length, 1)
      assert.deepEqual(actionsOf(denying[0] as Statement), ['ec2:*'])
      const condition = JSON.stringify(denying[0]?.Condition)
      assert.match(condition, new RegExp(`lambda:SourceFunctionArn.*function:${WORKSPACE}-${name}"`))
    }
  })

  it('gives no role of the license an action by a pattern, nor anything that stops, scales, deletes or lets others in', () => {
    const statements = Object.entries(resources)
      .filter(([name, { Type }]) => Type === 'AWS::IAM::Role' && name.startsWith('License'))
      .flatMap(([name]) => statementsOf(name))
      .concat(
        ofType('AWS::IAM::ManagedPolicy').flatMap(({ Properties }) => Properties.PolicyDocument.Statement),
      )
    assert.ok(statements.length > 5)
    for (const statement of statements.filter(({ Effect }) => Effect === 'Allow'))
      for (const action of actionsOf(statement)) {
        assert.doesNotMatch(action, /\*/)
        if (!['kms:GetPublicKey', 's3:PutObject'].includes(action))
          assert.doesNotMatch(action, /^(eks|rds|elasticache|autoscaling|iam|kms|s3):/)
        if (action !== 'ec2:DeleteNetworkInterface')
          assert.doesNotMatch(
            action,
            /:(Stop|Terminate|Delete|Reboot|Modify|Update|Scale|Set|Attach)/,
            action,
          )
      }
  })

  it('lets the scheduler and the bastion do one thing: invoke this function', () => {
    const [invoke, keep, ...more] = statementsOf('LicenseVerifyScheduleRole')
    assert.deepEqual(
      [actionsOf(invoke as Statement), actionsOf(keep as Statement), more],
      [['lambda:InvokeFunction'], ['sqs:SendMessage'], []],
    )
    const trust = named('LicenseVerifyScheduleRole').Properties.AssumeRolePolicyDocument.Statement
    assert.deepEqual(trust[0].Principal, { Service: 'scheduler.amazonaws.com' })
    const { Statement: forBastion } = named('InvokeLicenseVerify').Properties.PolicyDocument
    assert.deepEqual(forBastion.flatMap(actionsOf), ['lambda:InvokeFunction'])
  })

  it('schedules with a role that the scheduler may take, tries again, and keeps what failed', () => {
    for (const [prefix, name] of [
      ['LicenseVerify', 'license-verify'],
      ['LedgerCheckpoint', 'ledger-checkpoint'],
      ['SnapshotTick', 'snapshot-tick'],
      ['BastionTick', 'bastion-tick'],
    ]) {
      const { Name, Target: target } = named(`${prefix}Schedule`).Properties
      assert.equal(Name, `${WORKSPACE}-${name}`)
      assert.deepEqual(target.RoleArn, { 'Fn::GetAtt': [`${prefix}ScheduleRole`, 'Arn'] })
      assert.deepEqual(JSON.parse(target.Input), { trigger: 'schedule' })
      assert.deepEqual(target.DeadLetterConfig, { Arn: { 'Fn::GetAtt': [`${prefix}Failures`, 'Arn'] } })
    }
  })

  it('runs one at a time, on the Node that we build for, and its log ends', () => {
    for (const { Properties } of ofType('AWS::Lambda::Function')) {
      assert.deepEqual(
        [Properties.Runtime, Properties.Architectures, Properties.ReservedConcurrentExecutions],
        ['nodejs24.x', ['arm64'], 1],
      )
    }
    assert.ok(named('LicenseDashverifyLambdaFunction').Properties.VpcConfig, 'it is in no subnet of its own')
    // From those subnets there is no way to the cloud's own interfaces.
    for (const name of ['Snapshot', 'Bastion'])
      assert.equal(named(`${name}DashtickLambdaFunction`).Properties.VpcConfig, undefined)
    for (const { Properties } of ofType('AWS::Logs::LogGroup')) assert.equal(Properties.RetentionInDays, 90)
  })

  it('gives the function the variables that the code reads, and no secret', () => {
    const { Variables } = named('LicenseDashverifyLambdaFunction').Properties.Environment
    const { Variables: others } = named('LedgerDashcheckpointLambdaFunction').Properties.Environment
    const { installation, table, parameter, licenseSecret, licenseSecretField } = VARIABLES
    const { signingKey, checkpointBucket: bucket } = VARIABLES
    assert.deepEqual(
      Object.keys(Variables).sort(),
      [installation, table, parameter, licenseSecret, licenseSecretField].sort(),
    )
    assert.deepEqual(Object.keys(others).sort(), [installation, table, signingKey, bucket].sort())
    assert.equal(Variables[licenseSecret], SECRET)
    assert.equal(Variables[parameter], licenseParameter(WORKSPACE))
    const tick = named('SnapshotDashtickLambdaFunction').Properties.Environment.Variables
    assert.deepEqual(Object.keys(tick).sort(), Object.values(SNAPSHOT_VARIABLES).sort())
    assert.equal(tick[SNAPSHOT_VARIABLES.policy], snapshotPolicyParameter(WORKSPACE))
    const life = named('BastionDashtickLambdaFunction').Properties.Environment.Variables
    assert.deepEqual(Object.keys(life).sort(), Object.values(BASTION_VARIABLES).sort())
    assert.deepEqual(
      [life[BASTION_VARIABLES.idleMinutes], life[BASTION_VARIABLES.hours]],
      ['20', ''],
      'idle time as the documentation says it, and no hours',
    )
  })

  it('keeps who makes snapshots and who deletes them apart, and lets nobody delete what is not ours', () => {
    const making = statementsOf('SnapshotTickRole')
    for (const action of making.flatMap(actionsOf)) {
      assert.doesNotMatch(action, /\*/)
      assert.doesNotMatch(
        action,
        /^(rds|elasticache|s3|kms):(Delete|Modify|Restore|Reset|Stop|Reboot|Remove)/,
      )
    }
    const made = making.find(({ Sid }) => Sid === 'MakeSnapshots')
    assert.deepEqual(made?.Condition, {
      StringEquals: { 'aws:RequestTag/pgctl:installation': WORKSPACE },
    })
    const [deleting, more] = statementsOf('SnapshotDeleteRole')
    assert.equal(more, undefined)
    assert.deepEqual(actionsOf(deleting as Statement), [
      ...['rds:DeleteDBSnapshot', 'rds:DeleteDBClusterSnapshot', 'elasticache:DeleteSnapshot'],
    ])
    assert.deepEqual(deleting?.Condition, {
      StringEquals: { 'aws:ResourceTag/pgctl:installation': WORKSPACE },
    })
    for (const { 'Fn::Sub': arn } of (deleting as Statement).Resource as { 'Fn::Sub': string }[])
      assert.match(arn, /:(cluster-)?snapshot:pgctl-\*$/)
    const trust = named('SnapshotDeleteRole').Properties.AssumeRolePolicyDocument.Statement
    assert.deepEqual(trust[0].Principal, { AWS: { 'Fn::GetAtt': ['SnapshotTickRole', 'Arn'] } })
  })

  it('takes a snapshot run that does not happen for one that failed', () => {
    for (const name of ['SnapshotsTooOld', 'SnapshotChecksFail']) {
      const { Namespace, TreatMissingData, Dimensions, MetricName } = named(name).Properties
      assert.deepEqual([Namespace, TreatMissingData], [METRICS_NAMESPACE, 'breaching'])
      assert.deepEqual(Dimensions, [
        { Name: METRICS_DIMENSION, Value: 'snapshot-tick' },
        { Name: 'Workspace', Value: WORKSPACE },
      ])
      const [{ figures }] = figuresOf(
        {
          ...{ results: [], checks: [], refused: undefined, plan: { digest: '' } as Plan },
          freshness: [{ sourceId: 'a', verifiedAt: 0, age: 0 }],
        },
        WORKSPACE,
      ) as [FigureSeries]
      assert.ok(MetricName in figures, MetricName)
    }
  })

  it('lets who looks after the bastion change its group alone, and start, make and pass on nothing', () => {
    const here = `\${AWS::Region}:\${AWS::AccountId}`
    const arn = (rest: string) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:${rest}` })
    const table = { 'Fn::GetAtt': ['StateTable', 'Arn'] }
    assert.deepEqual(rightsOf('BastionTickRole'), [
      [
        ['logs:CreateLogStream', 'logs:PutLogEvents'],
        arn(`logs:${here}:log-group:/aws/lambda/${WORKSPACE}-bastion-tick:*`),
      ],
      [['dynamodb:GetItem'], table],
      [['dynamodb:PutItem'], table],
      [
        [
          ...['autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeInstances'],
          ...[
            'ec2:DescribeLaunchTemplateVersions',
            'ec2:DescribeImages',
            'ssm:DescribeInstanceInformation',
            'ssm:DescribeSessions',
          ],
        ],
        '*',
      ],
      [
        [
          ...['autoscaling:UpdateAutoScalingGroup', 'autoscaling:CreateOrUpdateTags'],
          ...['autoscaling:DeleteTags', 'autoscaling:TerminateInstanceInAutoScalingGroup'],
        ],
        arn(`autoscaling:${here}:autoScalingGroup:*:autoScalingGroupName/${WORKSPACE}-bastion`),
      ],
      [['ssm:TerminateSession'], arn(`ssm:${here}:session/*`)],
      [['eks:DisassociateAccessPolicy'], arn(`eks:${here}:access-entry/${WORKSPACE}/*`)],
      [['sqs:SendMessage'], { 'Fn::GetAtt': ['BastionTickFailures', 'Arn'] }],
    ])
    const written = statementsOf('BastionTickRole').find(({ Sid }) => Sid === 'WriteDownItsLife')
    assert.deepEqual(Object(written?.Condition)['ForAllValues:StringLike'], {
      'dynamodb:LeadingKeys': ['bastion/*'],
    })
    assert.ok(lifeKey(WORKSPACE).startsWith('bastion/'))
    assert.ok(activityKey(WORKSPACE).startsWith('bastion-activity/'))
    const profile = parseProfile(readFileSync(join(root, 'profiles/paragon.yaml'), 'utf8'), 'paragon')
    assert.equal(resourceName(profile, 'bastion', WORKSPACE), `${WORKSPACE}-bastion`)
    assert.equal(resourceName(profile, 'cluster', WORKSPACE), WORKSPACE)
  })

  it('takes looks at the bastion that do not happen for a bastion that is unwell', () => {
    const { figures } = figuresOfLife(
      {
        ...{ state: FRESH_LIFE, results: [], raced: false },
        verdict: { kind: 'idle', says: '', stale: false },
        signals: {
          group: undefined,
          sessions: { known: false, why: '' },
          activity: { known: false, why: '' },
          image: { known: false, why: '' },
        },
      },
      WORKSPACE,
      0,
    )[0] as { figures: object }
    for (const [name, missing] of [
      ['BastionUnwell', 'breaching'],
      ['BastionActionsFail', 'notBreaching'],
      ['BastionImageOld', 'notBreaching'],
      ['BastionAuditBehind', 'notBreaching'],
    ] as const) {
      const { Namespace, TreatMissingData, Dimensions, MetricName } = named(name).Properties
      assert.deepEqual([Namespace, TreatMissingData], [METRICS_NAMESPACE, missing])
      assert.deepEqual(Dimensions, [
        { Name: METRICS_DIMENSION, Value: 'bastion-tick' },
        { Name: 'Workspace', Value: WORKSPACE },
      ])
      assert.ok(MetricName in figures, MetricName)
    }
  })

  it('alarms on metrics that the code writes', () => {
    const metrics: Readonly<Record<string, string>> = {
      LedgerWhole: 'ledger-checkpoint',
      LicenseDaysLeft: 'license-verify',
      LicenseStands: 'license-verify',
      VendorAnswered: 'license-verify',
    }
    for (const metric of Object.keys(metrics))
      assert.ok(
        ofType('AWS::CloudWatch::Alarm').some(({ Properties }) => Properties.MetricName === metric),
        metric,
      )
    for (const { Properties } of ofType('AWS::CloudWatch::Alarm')) {
      const by = metrics[Properties.MetricName]
      if (by === undefined) continue
      assert.equal(Properties.Namespace, METRICS_NAMESPACE)
      assert.deepEqual(Properties.Dimensions, [{ Name: METRICS_DIMENSION, Value: by }])
      assert.deepEqual(Properties.AlarmActions, [PARAMETERS.topic])
    }
  })

  it('bears the names that the commands look for', () => {
    assert.equal(named('StateTable').Properties.TableName, tableName(WORKSPACE))
    assert.equal(named('LedgerKeyAlias').Properties.AliasName, signingAlias(WORKSPACE))
    assert.equal(named('CheckpointBucket').Properties.BucketName, checkpointBucket(WORKSPACE))
  })

  it('keeps the tables when the stack is deleted: ledger and records outlive it', () => {
    for (const table of [named('StateTable'), named('SnapshotTable')]) {
      assert.deepEqual([table.DeletionPolicy, table.Properties.DeletionProtectionEnabled], ['Retain', true])
      assert.equal(table.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled, true)
    }
  })

  it('packs what the function needs and nothing else', async () => {
    const { size } = await stat(join(folder, 'license-verify.zip'))
    assert.ok(size > 20_000 && size < 400_000, `${size} bytes`)
    const tick = await stat(join(folder, 'snapshot-tick.zip'))
    assert.ok(tick.size > 20_000 && tick.size < 800_000, `${tick.size} bytes`)
    const life = await stat(join(folder, 'bastion-tick.zip'))
    assert.ok(life.size > 20_000 && life.size < 800_000, `${life.size} bytes`)
  })
})
