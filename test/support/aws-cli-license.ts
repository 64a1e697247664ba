import { signingAlias } from '#sandbox/aws/services/kms-signing.ts'
import { LICENSE_SECRET } from '#sandbox/aws/services/secrets-manager.ts'
import { WORLD } from '#sandbox/world.ts'
import type { AwsCli, AwsCliRow } from './aws-cli.ts'

const TABLE = 'interop'
const keyed = (key: string) => JSON.stringify({ key: { S: key } })

async function put(cli: AwsCli, key: string): Promise<void> {
  const item = JSON.stringify({ key: { S: key }, sequence: { N: '7' } })
  await cli.ask(['dynamodb', 'put-item', '--table-name', TABLE, '--item', item])
}

const BUCKET = ['--bucket', `${WORLD.workspace}-logs`]

async function putObject(cli: AwsCli, key: string): Promise<void> {
  const body = (await cli.bytes('YSB0ZXh0')).replace('fileb://', '')
  await cli.ask(['s3api', 'put-object', ...BUCKET, '--key', key, '--body', body])
}

async function makeGroup(cli: AwsCli, name: string): Promise<void> {
  await cli.ask(['logs', 'create-log-group', '--log-group-name', name])
  await cli.ask(['logs', 'create-log-stream', '--log-group-name', name, '--log-stream-name', 'a'])
}

const putLine = (group: string) => [
  ...['logs', 'put-log-events', '--log-group-name', group, '--log-stream-name', 'a'],
  ...['--log-events', JSON.stringify([{ timestamp: Date.now(), message: 'a line' }])],
]

/** What the verification of the license and its ledger call. */
export const LICENSE_ROWS: Readonly<Record<string, AwsCliRow>> = {
  'dynamodb:PutItem': {
    words: async (cli) => {
      await put(cli, 'held')
      const item = ['--table-name', TABLE, '--item', keyed('other')]
      return ['dynamodb', 'put-item', ...item, '--condition-expression', 'attribute_not_exists(key)']
    },
    query: '@',
    want: undefined,
  },
  'dynamodb:GetItem': {
    words: async (cli) => {
      await put(cli, 'got')
      return ['dynamodb', 'get-item', '--table-name', TABLE, '--key', keyed('got')]
    },
    query: 'Item.sequence.N',
    want: '7',
  },
  'dynamodb:DeleteItem': {
    words: async (cli) => {
      await put(cli, 'deleted')
      return ['dynamodb', 'delete-item', '--table-name', TABLE, '--key', keyed('deleted')]
    },
    query: '@',
    want: undefined,
  },
  'dynamodb:Scan': {
    words: async (cli) => {
      await put(cli, 'scanned')
      return ['dynamodb', 'scan', '--table-name', TABLE]
    },
    query: 'Items[?key.S==`scanned`].sequence.N',
    want: ['7'],
  },
  'secretsmanager:GetSecretValue': {
    words: ['secretsmanager', 'get-secret-value', '--secret-id', LICENSE_SECRET],
    query: '[ARN,Name,length(SecretString) > `10`]',
    want: [LICENSE_SECRET, `${WORLD.workspace}-secrets`, true],
  },
  'kms:GetPublicKey': {
    words: ['kms', 'get-public-key', '--key-id', signingAlias(WORLD)],
    query: '[KeySpec,KeyUsage,length(PublicKey)]',
    want: ['ECC_NIST_EDWARDS25519', 'SIGN_VERIFY', 60],
  },
  'kms:Sign': {
    words: async (cli) => [
      ...['kms', 'sign', '--key-id', signingAlias(WORLD), '--signing-algorithm', 'ED25519_SHA_512'],
      ...['--message-type', 'RAW', '--message', await cli.bytes('YSB0ZXh0')],
    ],
    query: '[SigningAlgorithm,length(Signature)]',
    want: ['ED25519_SHA_512', 88],
  },
  'logs:CreateLogGroup': {
    words: ['logs', 'create-log-group', '--log-group-name', '/interop/made'],
    query: '@',
    want: undefined,
  },
  'logs:CreateLogStream': {
    words: async (cli) => {
      await makeGroup(cli, '/interop/streams')
      return ['logs', 'create-log-stream', '--log-group-name', '/interop/streams', '--log-stream-name', 'b']
    },
    query: '@',
    want: undefined,
  },
  'logs:PutLogEvents': {
    words: async (cli) => {
      await makeGroup(cli, '/interop/put')
      return putLine('/interop/put')
    },
    query: '[length(nextSequenceToken) > `0`,rejectedLogEventsInfo]',
    want: [true, null],
  },
  'logs:FilterLogEvents': {
    words: async (cli) => {
      await makeGroup(cli, '/interop/read')
      await cli.ask(putLine('/interop/read'))
      return ['logs', 'filter-log-events', '--log-group-name', '/interop/read', '--start-time', '1']
    },
    query: 'events[].message',
    want: ['a line'],
  },
  'ec2:DescribeNetworkInterfaces': {
    words: ['ec2', 'describe-network-interfaces', '--filters', 'Name=interface-type,Values=nat_gateway'],
    query: 'length(NetworkInterfaces) > `0`',
    want: true,
  },
  's3:PutObject': {
    words: async (cli) => {
      const body = (await cli.bytes('YSB0ZXh0')).replace('fileb://', '')
      return ['s3api', 'put-object', ...BUCKET, '--key', 'put', '--body', body]
    },
    query: 'length(ETag)',
    want: 34,
  },
  's3:GetObject': {
    words: async (cli) => {
      await putObject(cli, 'got')
      return ['s3api', 'get-object', ...BUCKET, '--key', 'got', '/dev/null']
    },
    query: 'ContentLength',
    want: 6,
  },
  's3:ListObjectsV2': {
    words: async (cli) => {
      for (const key of ['listed/a', 'listed/b', 'other']) await putObject(cli, key)
      return ['s3api', 'list-objects-v2', ...BUCKET, '--prefix', 'listed/']
    },
    query: 'Contents[].[Key,Size]',
    want: [
      ['listed/a', 6],
      ['listed/b', 6],
    ],
  },
  'ssm:PutParameter': {
    words: ['ssm', 'put-parameter', '--name', '/interop/put', '--type', 'String', '--value', 'x'],
    query: 'Version',
    want: 1,
  },
  'ssm:GetParameter': {
    words: async (cli) => {
      const name = ['--name', '/interop/got']
      await cli.ask(['ssm', 'put-parameter', ...name, '--type', 'String', '--value', 'a text'])
      return ['ssm', 'get-parameter', ...name]
    },
    query: 'Parameter.[Value,Type]',
    want: ['a text', 'String'],
  },
}
