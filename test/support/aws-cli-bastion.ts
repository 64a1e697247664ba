import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import type { AwsCli, AwsCliRow } from './aws-cli.ts'

/** What a bastion's life asks for, of the second installation: the other rows look at the first one's bastion. */

const { account, cluster } = GLOBEX
const GROUP = GLOBEX.bastion.name
const TEMPLATE = idOf('lt', GROUP)
const ROLE = `arn:aws:iam::${account}:role/operators`
const policy = (name: string) => `arn:aws:eks::aws:cluster-access-policy/${name}`
const entry = (principal = ROLE) => ['--cluster-name', cluster.name, '--principal-arn', principal]
const tag = (key: string) => `ResourceId=${GROUP},ResourceType=auto-scaling-group,Key=${key}`
const machineOf = async (cli: AwsCli) => {
  const words = ['autoscaling', 'describe-auto-scaling-groups', '--auto-scaling-group-names', GROUP]
  return String(
    await cli.ask([...words, '--query', 'AutoScalingGroups[0].Instances[0].InstanceId'], 'globex'),
  )
}
const associate = (name: string, principal = ROLE) => [
  ...['eks', 'associate-access-policy', ...entry(principal), '--policy-arn', policy(name)],
  ...['--access-scope', 'type=cluster'],
]

const create = (principal = ROLE) => ['eks', 'create-access-entry', ...entry(principal)]

export const BASTION_ROWS: Readonly<Record<string, AwsCliRow>> = {
  'autoscaling:UpdateAutoScalingGroup': {
    words: [
      ...['autoscaling', 'update-auto-scaling-group', '--auto-scaling-group-name', GROUP],
      ...[
        '--min-size',
        '0',
        '--max-size',
        '2',
        '--launch-template',
        `LaunchTemplateId=${TEMPLATE},Version=1`,
      ],
    ],
    query: '@',
    want: undefined,
    account: 'globex',
  },
  'autoscaling:CreateOrUpdateTags': {
    words: [
      'autoscaling',
      'create-or-update-tags',
      '--tags',
      `${tag('pgctl:sizes')},Value=1/1/1,PropagateAtLaunch=false`,
    ],
    query: '@',
    want: undefined,
    account: 'globex',
  },
  'autoscaling:DeleteTags': {
    words: ['autoscaling', 'delete-tags', '--tags', tag('never-there')],
    query: '@',
    want: undefined,
    account: 'globex',
  },
  'autoscaling:TerminateInstanceInAutoScalingGroup': {
    words: async (cli) => [
      ...['autoscaling', 'terminate-instance-in-auto-scaling-group', '--instance-id', await machineOf(cli)],
      '--no-should-decrement-desired-capacity',
    ],
    query: 'Activity.[AutoScalingGroupName,StatusCode]',
    want: [GROUP, 'InProgress'],
    account: 'globex',
  },
  'ec2:DescribeLaunchTemplateVersions': {
    words: [
      ...['ec2', 'describe-launch-template-versions', '--launch-template-id', TEMPLATE],
      ...['--versions', '$Default'],
    ],
    query:
      'LaunchTemplateVersions[].[VersionNumber,DefaultVersion,LaunchTemplateData.MetadataOptions.HttpTokens]',
    want: [[1, true, 'required']],
    account: 'globex',
  },
  'ec2:DescribeImages': {
    words: ['ec2', 'describe-images', '--image-ids', 'ami-0d4c1e2f3a5b69788'],
    query: 'Images[].[ImageId,State,length(CreationDate)]',
    want: [['ami-0d4c1e2f3a5b69788', 'available', 24]],
    account: 'globex',
  },
  'ec2:CreateLaunchTemplateVersion': {
    words: [
      ...['ec2', 'create-launch-template-version', '--launch-template-name', GROUP, '--source-version', '1'],
      ...['--launch-template-data', '{"ImageId":"ami-0123456789abcdef0"}'],
    ],
    query: 'LaunchTemplateVersion.[LaunchTemplateId,DefaultVersion,LaunchTemplateData.ImageId]',
    want: [TEMPLATE, false, 'ami-0123456789abcdef0'],
    account: 'globex',
  },
  'eks:CreateAccessEntry': {
    words: [...create(`${ROLE}-new`), '--kubernetes-groups', 'pgctl:view'],
    query: 'accessEntry.[principalArn,kubernetesGroups,username,type]',
    want: [
      `${ROLE}-new`,
      ['pgctl:view'],
      `arn:aws:sts::${account}:assumed-role/operators-new/{{SessionName}}`,
      'STANDARD',
    ],
    account: 'globex',
  },
  'eks:DeleteAccessEntry': {
    words: async (cli) => {
      await cli.ask(create(`${ROLE}-gone`), 'globex')
      return ['eks', 'delete-access-entry', ...entry(`${ROLE}-gone`)]
    },
    query: '@',
    want: undefined,
    account: 'globex',
  },
  'eks:AssociateAccessPolicy': {
    words: async (cli) => {
      await cli.ask(create(), 'globex')
      return associate('AmazonEKSEditPolicy')
    },
    query: '[principalArn,associatedAccessPolicy.accessScope.type]',
    want: [ROLE, 'cluster'],
    account: 'globex',
  },
  'eks:ListAssociatedAccessPolicies': {
    words: async (cli) => {
      const principal = `${ROLE}-listed`
      await cli.ask(create(principal), 'globex')
      await cli.ask(associate('AmazonEKSViewPolicy', principal), 'globex')
      return ['eks', 'list-associated-access-policies', ...entry(principal)]
    },
    query: 'associatedAccessPolicies[].policyArn',
    want: [policy('AmazonEKSViewPolicy')],
    account: 'globex',
  },
  'eks:DisassociateAccessPolicy': {
    words: async (cli) => {
      const principal = `${ROLE}-without`
      await cli.ask(create(principal), 'globex')
      await cli.ask(associate('AmazonEKSAdminPolicy', principal), 'globex')
      const rest = ['--policy-arn', policy('AmazonEKSAdminPolicy')]
      return ['eks', 'disassociate-access-policy', ...entry(principal), ...rest]
    },
    query: '@',
    want: undefined,
    account: 'globex',
  },
}
