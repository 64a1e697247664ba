import { LICENSE_SECRET } from '#sandbox/aws/services/secrets-manager.ts'
import { WORLD } from '#sandbox/world.ts'
import type { AwsCli, AwsCliRow } from './aws-cli.ts'

const TABLE = 'interop'
const keyed = (key: string) => JSON.stringify({ key: { S: key } })

async function put(cli: AwsCli, key: string): Promise<void> {
  const item = JSON.stringify({ key: { S: key }, sequence: { N: '7' } })
  await cli.ask(['dynamodb', 'put-item', '--table-name', TABLE, '--item', item])
}

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
