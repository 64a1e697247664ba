import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { bastionParameters } from '#cli/bastion-parameters.ts'
import { PgctlError } from '#core/errors.ts'
import { ENGINES } from '#core/installation/datastores.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import type { StackState } from '#core/stack/stack-api.ts'
import { CLUSTER, datastore, inventory, NETWORK } from '../installation/support.ts'

/** What the bastion's stack is told, from what is found. */

const TEMPLATE = parse(await readFile(new URL('../../../bastion-stack.yml', import.meta.url), 'utf8'))
const INSTALLATION: Installation = {
  ...{ name: 'acme', workspace: 'paragon-acme', account: '111122223333', product: 'paragon' },
  ...{ cloud: 'aws', region: 'eu-central-1' },
}
const DATABASE = datastore({ securityGroups: ['sg-0a'], endpoints: [{ host: 'db.internal', port: 5432 }] })

async function told(
  found: Partial<Inventory>,
  { set = {}, deployed }: { set?: Record<string, string>; deployed?: Record<string, string> } = {},
) {
  const notices: string[] = []
  let asked: readonly string[] = []
  const state: StackState | undefined = deployed && {
    ...{ status: 'CREATE_COMPLETE', reason: undefined, outputs: new Map() },
    parameters: new Map(
      Object.entries({ ImageId: 'ami-0a', VpcId: 'vpc-1', VpcCidr: 'x', Subnets: 'y', ...deployed }),
    ),
  }
  const parameters = await bastionParameters(
    TEMPLATE,
    state,
    {
      installation: INSTALLATION,
      ...{ clusterName: 'paragon-acme', namespace: 'paragon' },
      inventory: async (parts) => {
        asked = parts
        return inventory({ network: NETWORK, ...found })
      },
    },
    {
      set: new Map(Object.entries({ ...(state === undefined && { ImageId: 'ami-0a' }), ...set })),
      signal: new AbortController().signal,
      onNotice: (text) => notices.push(text),
    },
  )
  const values = new Map(parameters.map(({ name, value }) => [name, value]))
  return { datastores: values.get('Datastores'), cluster: values.get('ClusterGroup'), notices, asked }
}

const cannotSee = (part: 'cluster' | 'postgres', action: string) => ({
  unreadable: [{ part, action, error: new PgctlError('permission-denied', 'no') }],
})

describe('what is looked for', () => {
  it('is where the installation is for a new stack, and for one that is there its datastores alone', async () => {
    assert.deepEqual((await told({})).asked, ['network', 'cluster', ...ENGINES])
    assert.deepEqual((await told({}, { deployed: { Datastores: 'not-found' } })).asked, ENGINES)
  })
})

describe('which datastores let the bastion in', () => {
  const withCluster = { cluster: { ...CLUSTER, securityGroup: 'sg-0c' } }

  it('are those that have come since, also where there were none before', async () => {
    const first = await told({ ...withCluster, datastores: [] })
    assert.match(first.datastores ?? '', new RegExp(TEMPLATE.Parameters.Datastores.AllowedPattern))
    const later = await told({ datastores: [DATABASE] }, { deployed: { Datastores: first.datastores ?? '' } })
    assert.equal(later.datastores, 'sg-0a:5432')
  })

  it('are none for good where whoever deploys makes such rules elsewhere', async () => {
    const first = await told({ ...withCluster, datastores: [DATABASE] }, { set: { Datastores: 'none' } })
    assert.equal(first.datastores, 'none')
    const later = await told({ datastores: [DATABASE] }, { deployed: { Datastores: 'none' } })
    assert.equal(later.datastores, undefined, 'as the stack has it')
  })

  it('stay those that they are where they may not be seen, which is told', async () => {
    const seen = await told(
      { datastores: [], ...cannotSee('postgres', 'rds:DescribeDBInstances') },
      { deployed: { Datastores: 'sg-0a:5432' } },
    )
    assert.equal(seen.datastores, 'sg-0a:5432')
    assert.match(seen.notices.join(), /^postgres cannot be seen \(rds:DescribeDBInstances\)/)
  })
})

describe('whether the cluster lets the bastion in', () => {
  it('is so where its security group is found', async () => {
    const { cluster, notices } = await told({ cluster: { ...CLUSTER, securityGroup: 'sg-0c' } })
    assert.deepEqual([cluster, notices], ['sg-0c', []])
  })

  it('is told where it is not, as the group need not be named', async () => {
    const hidden = await told({ cluster: undefined, ...cannotSee('cluster', 'eks:DescribeCluster') })
    assert.equal(hidden.cluster, undefined)
    assert.deepEqual(hidden.notices, [
      'the security group of the cluster cannot be seen (eks:DescribeCluster): it does not let the bastion in, unless --set ClusterGroup=sg-… names it',
    ])
    assert.match(
      (await told({ cluster: undefined })).notices.join(),
      /^the security group of the cluster was not found:/,
    )
  })

  it('is nothing to tell of a group that is named, or left alone on purpose', async () => {
    for (const ClusterGroup of ['sg-0d', '']) {
      const { cluster, notices } = await told({ cluster: undefined }, { set: { ClusterGroup } })
      assert.deepEqual([cluster, notices], [ClusterGroup, []])
    }
  })
})
