import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { parseSessionLimits } from '#core/aws/session-preferences.ts'
import { activityKey, bastionStackName, lifeKey } from '#core/bastion/names.ts'
import { parseInstallationFile } from '#core/installation/installation-file.ts'
import { groupOf } from '#core/kube/role-manifests.ts'
import { licenseFunction, licenseParameter, tableName } from '#core/stack/names.ts'
import { packCli } from '../support/packaged-cli.ts'

/** The template of the bastion as it is packed: who comes in, what the machine may do, and that its names are the code's. */

interface Statement {
  readonly Sid: string
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

const WORKSPACE = 'paragon-acme-5d1f0c2e'
const AUDIT = `/pgctl/${WORKSPACE}/audit`
const VALUES: Readonly<Record<string, string>> = {
  ...{ Workspace: WORKSPACE, Name: 'acme', Product: 'paragon', Cluster: WORKSPACE, Namespace: 'paragon' },
  ...{ 'AWS::Region': 'eu-central-1', 'AWS::AccountId': '011122223333', 'AWS::Partition': 'aws' },
  ...{ 'AWS::URLSuffix': 'amazonaws.com', IdleMinutes: '20', MaximumMinutes: '720', VpcCidr: '10.0.0.0/16' },
}

describe('the template of the bastion', { timeout: 120_000 }, () => {
  // biome-ignore lint/suspicious/noExplicitAny: the properties of every type of resource.
  let resources: Readonly<Record<string, any>>
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  let template: any

  before(async () => {
    await using cli = await packCli()
    template = filled(JSON.parse(await readFile(join(cli.folder, 'dist/bastion-stack.json'), 'utf8')))
    resources = template.Resources
  })

  /** With the values in the place of references, as far as these have them. */
  function filled(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(filled)
    if (typeof value !== 'object' || value === null) return value
    const { 'Fn::Sub': sub, Ref: ref } = value as { 'Fn::Sub'?: unknown; Ref?: unknown }
    if (typeof sub === 'string') return sub.replaceAll(/\$\{([\w:.]+)\}/g, (all, name) => VALUES[name] ?? all)
    if (typeof ref === 'string' && VALUES[ref] !== undefined) return VALUES[ref]
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]))
  }
  const statements = (name: string): Statement[] =>
    (resources[name].Properties.Policies ?? [resources[name].Properties]).flatMap(
      (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
    )
  const actions = ({ Action }: Statement) => (typeof Action === 'string' ? [Action] : Action)
  const ofType = (type: string) =>
    Object.entries(resources).flatMap(([name, { Type, Properties }]) =>
      Type === type ? [[name, Properties]] : [],
    )

  it('lets nobody in, and the machine out to services, cluster and datastores alone', () => {
    const { SecurityGroupIngress, SecurityGroupEgress } = resources['BastionGroup'].Properties
    assert.equal(SecurityGroupIngress, undefined)
    const ports = SecurityGroupEgress.filter(({ CidrIp }: { CidrIp?: string }) => CidrIp !== undefined).map(
      ({ FromPort, ToPort, CidrIp }: { FromPort: number; ToPort: number; CidrIp: string }) => [
        ...[FromPort, ToPort, CidrIp],
      ],
    )
    assert.deepEqual(ports, [
      [443, 443, '10.0.0.0/16'],
      [5432, 5432, '10.0.0.0/16'],
      [6379, 6380, '10.0.0.0/16'],
      [9092, 9098, '10.0.0.0/16'],
    ])
    const out = SecurityGroupEgress.at(-1)['Fn::If']
    assert.deepEqual([out[0], out[1].FromPort, out[1].ToPort], ['LeadsOut', 443, 443])
    // Whatever else lets somebody in lets in the bastion, and nobody else.
    const rules = Object.values(resources).flatMap(({ Type, Properties }) => [
      ...(Type === 'AWS::EC2::SecurityGroup' ? (Properties.SecurityGroupIngress ?? []) : []),
      ...(Type === 'AWS::EC2::SecurityGroupIngress' ? [Properties] : []),
    ])
    assert.equal(rules.length, 2)
    for (const rule of rules)
      assert.deepEqual(
        [rule.CidrIp, rule.CidrIpv6, rule.SourceSecurityGroupId],
        [undefined, undefined, { 'Fn::GetAtt': ['BastionGroup', 'GroupId'] }],
      )
  })

  it('gives the machine no public address, an encrypted disk, and its credentials to its own requests alone', () => {
    const data = resources['BastionTemplate'].Properties.LaunchTemplateData
    assert.deepEqual(data.MetadataOptions, {
      ...{ HttpEndpoint: 'enabled', HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
      InstanceMetadataTags: 'disabled',
    })
    assert.equal(data.NetworkInterfaces.length, 1)
    assert.equal(data.NetworkInterfaces[0].AssociatePublicIpAddress, false)
    for (const { Ebs } of data.BlockDeviceMappings)
      assert.deepEqual([Ebs.Encrypted, Ebs.DeleteOnTermination], [true, true])
    assert.deepEqual([data.KeyName, data.SecurityGroupIds], [undefined, undefined])
  })

  it('is a group of one, at 0 to begin with, whose size no update touches', () => {
    const { MinSize, MaxSize, DesiredCapacity, AutoScalingGroupName, LaunchTemplate } =
      resources['Bastion'].Properties
    assert.deepEqual([MinSize, MaxSize, DesiredCapacity], ['0', '1', undefined])
    assert.equal(AutoScalingGroupName, `${WORKSPACE}-bastion`)
    assert.deepEqual(LaunchTemplate.Version, { 'Fn::GetAtt': ['BastionTemplate', 'LatestVersionNumber'] })
    assert.equal(resources['Bastion'].UpdatePolicy, undefined)
  })

  /** What the machine is told where the way out is as `leadsOut` says. */
  const userData = (leadsOut: boolean): string => {
    const [text, { Reach }] =
      resources['BastionTemplate'].Properties.LaunchTemplateData.UserData['Fn::Base64']['Fn::Sub']
    const [condition, out, none] = Reach['Fn::If']
    assert.equal(condition, 'LeadsOut')
    // A reference to a log group is its name.
    const known = { ...VALUES, Reach: leadsOut ? out : none, AuditLog: AUDIT }
    return text.replaceAll(/\$\{([\w:]+)\}/g, (_: string, name: keyof typeof known) => known[name])
  }

  it('tells the machine whose it is, with nothing to fetch', () => {
    assert.deepEqual(parseInstallationFile(userData(false)), {
      ...{ name: 'acme', workspace: WORKSPACE, account: '011122223333', region: 'eu-central-1' },
      product: 'paragon',
    })
  })

  it('has its firewall let out what its security group does', () => {
    const reach = (leadsOut: boolean) => JSON.parse(userData(leadsOut)).network.reach
    const { SecurityGroupEgress } = resources['BastionGroup'].Properties
    const [condition, { FromPort, ToPort, CidrIp }] = SecurityGroupEgress.at(-1)['Fn::If']
    assert.deepEqual([condition, FromPort, ToPort], ['LeadsOut', 443, 443])
    assert.deepEqual([reach(true), reach(false)], [[{ to: CidrIp, port: FromPort }], []])
  })

  it('names the log group for its audit log, which is made before the machine and encrypted as sessions are', () => {
    assert.equal(JSON.parse(userData(false)).audit.logGroup, AUDIT)
    const { LogGroupName, KmsKeyId, RetentionInDays } = resources['AuditLog'].Properties
    assert.deepEqual(
      [LogGroupName, KmsKeyId, RetentionInDays],
      [AUDIT, { 'Fn::GetAtt': ['SessionKey', 'Arn'] }, { Ref: 'AuditDays' }],
    )
    assert.match(LogGroupName, /^[\w./#-]{1,512}$/)
    const encrypts = resources['SessionKey'].Properties.KeyPolicy.Statement.at(-1)
    const groups = encrypts.Condition.ArnEquals['kms:EncryptionContext:aws:logs:arn']
    const arn = 'arn:aws:logs:eu-central-1:011122223333:log-group'
    assert.deepEqual(groups, [`${arn}:/pgctl/${WORKSPACE}/sessions`, `${arn}:${LogGroupName}`])
  })

  it('lets the machine be reached and say what it does, with these rights and no other', () => {
    const arn = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:011122223333:${rest}`
    const key = { 'Fn::GetAtt': ['SessionKey', 'Arn'] }
    const table = arn('dynamodb', `table/${tableName(WORKSPACE)}`)
    assert.deepEqual(
      statements('BastionRole').map((statement) => [actions(statement), statement.Resource]),
      [
        [
          [
            ...['ssm:UpdateInstanceInformation', 'ssmmessages:CreateControlChannel'],
            ...['ssmmessages:CreateDataChannel', 'ssmmessages:OpenControlChannel'],
            'ssmmessages:OpenDataChannel',
          ],
          '*',
        ],
        [['kms:Decrypt'], key],
        [
          ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
          arn('logs', `log-group:/pgctl/${WORKSPACE}/sessions:*`),
        ],
        [['logs:DescribeLogGroups'], '*'],
        [['logs:CreateLogStream', 'logs:PutLogEvents'], arn('logs', `log-group:${AUDIT}:*`)],
        [['eks:DescribeCluster'], arn('eks', `cluster/${WORKSPACE}`)],
        [['ssm:GetParameter'], arn('ssm', `parameter${licenseParameter(WORKSPACE)}`)],
        [['lambda:InvokeFunction'], arn('lambda', `function:${licenseFunction(WORKSPACE)}`)],
        [['dynamodb:PutItem'], table],
        [['dynamodb:GetItem'], table],
      ],
    )
    const [put, get] = statements('BastionRole').slice(-2)
    const keys = (statement: Statement | undefined) =>
      Object(statement?.Condition)['ForAllValues:StringEquals']['dynamodb:LeadingKeys']
    // Whoever logs in can be the machine: it may not write its own life, and so give itself rights or time.
    assert.deepEqual([keys(put), keys(get)], [[activityKey(WORKSPACE)], [lifeKey(WORKSPACE)]])
  })

  it('lets the function that looks after it go back to a version, and start nothing else', () => {
    const [start, tag, pass, ...more] = statements('TickMayGoBack')
    assert.deepEqual(more, [])
    assert.deepEqual(actions(start as Statement), ['ec2:RunInstances'])
    const which = `arn:aws:ec2:eu-central-1:011122223333:launch-template/\${BastionTemplate}`
    assert.deepEqual(start?.Condition, {
      ArnEquals: { 'ec2:LaunchTemplate': which },
      Bool: { 'ec2:IsLaunchTemplateResource': 'true' },
    })
    assert.deepEqual(actions(tag as Statement), ['ec2:CreateTags'])
    assert.deepEqual(
      [actions(pass as Statement), pass?.Resource],
      [['iam:PassRole'], { 'Fn::GetAtt': ['BastionRole', 'Arn'] }],
    )
    assert.deepEqual(resources['TickMayGoBack'].Properties.Roles, [`${WORKSPACE}-bastion-tick`])
  })

  it('has sessions encrypted and written down while they go on, and ended in the end', () => {
    const { Name, DocumentType, Content } = resources['SessionPreferences'].Properties
    assert.deepEqual(
      [Name, DocumentType, Content.sessionType],
      [{ Ref: 'SessionDocument' }, 'Session', 'Standard_Stream'],
    )
    assert.equal(template.Parameters.SessionDocument.Default, 'SSM-SessionManagerRunShell')
    const { kmsKeyId, cloudWatchStreamingEnabled, cloudWatchEncryptionEnabled } = Content.inputs
    assert.deepEqual(
      [kmsKeyId, cloudWatchStreamingEnabled, cloudWatchEncryptionEnabled],
      [{ 'Fn::GetAtt': ['SessionKey', 'Arn'] }, true, true],
    )
    // The account that the agent takes then is the image's, without rights; and its login shell.
    const { runAsEnabled, runAsDefaultUser, shellProfile } = Content.inputs
    assert.deepEqual([runAsEnabled, runAsDefaultUser], [false, ''])
    assert.equal(shellProfile.linux, 'cd && exec bash -l')
    assert.deepEqual(parseSessionLimits(JSON.stringify(Content)), {
      idle: 20 * 60_000,
      maximum: 720 * 60_000,
    })
  })

  it('lets operators look into the namespace and no more, if they are named', () => {
    const { AccessPolicies, KubernetesGroups, PrincipalArn } = resources['OperatorAccess'].Properties
    assert.equal(resources['OperatorAccess'].Condition, 'HasOperators')
    assert.deepEqual(PrincipalArn, { Ref: 'OperatorRole' })
    assert.deepEqual(KubernetesGroups, [groupOf('view')])
    assert.deepEqual(AccessPolicies, [
      {
        PolicyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
        AccessScope: { Type: 'namespace', Namespaces: ['paragon'] },
      },
    ])
    assert.equal(ofType('AWS::EKS::AccessEntry').length, 1)
  })

  it('leaves nothing behind: nothing in it is kept when it is deleted', () => {
    for (const [name, { DeletionPolicy }] of Object.entries(resources))
      assert.ok(DeletionPolicy === undefined || DeletionPolicy === 'Delete', name)
    assert.equal(bastionStackName(WORKSPACE), `${WORKSPACE}-pgctl-bastion`)
  })

  it('makes endpoints for every service that the machine speaks to, where the subnets have no way out', () => {
    const services = ofType('AWS::EC2::VPCEndpoint').map(([, { ServiceName }]) =>
      ServiceName.split('.').at(-1),
    )
    const spoken = new Set(
      statements('BastionRole').flatMap((statement) =>
        actions(statement).map((action) => action.split(':')[0]),
      ),
    )
    for (const service of spoken) assert.ok(services.includes(service), service)
  })
})
