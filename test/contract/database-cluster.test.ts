import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connectAws } from '#core/aws/clients.ts'
import { describeClusterEndpoints } from '#core/aws/rds.ts'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { ScriptedAws } from '../support/scripted-aws.ts'
import { queryAnswer, signInForTests } from '../support/scripted-discovery.ts'

/** The addresses of a cluster of databases, in RDS' own wire form. */

const MEMBERS = `<DBClusterIdentifier>ws-hermes</DBClusterIdentifier><Status>available</Status><Engine>aurora-postgresql</Engine>`

describe('the addresses of a cluster of databases', { timeout: 20_000 }, () => {
  const agents = createOutboundAgents({})
  before(() => signInForTests())
  after(() => agents.close())

  async function read(body: string) {
    await using aws = await ScriptedAws.start(() =>
      queryAnswer('DescribeDBClusters', `<DBClusters>${body}</DBClusters>`),
    )
    process.env['AWS_ENDPOINT_URL'] = aws.url
    try {
      const access = {
        region: 'eu-central-1',
        environment: process.env,
        agents,
        clock: systemClock,
        version: '0',
      }
      const found = await describeClusterEndpoints(connectAws(access), 'ws-hermes')
      assert.match(aws.requests[0]?.body ?? '', /DBClusterIdentifier=ws-hermes/)
      return found
    } finally {
      delete process.env['AWS_ENDPOINT_URL']
    }
  }

  it('are that of whichever member takes writes, and that of the others', async () => {
    const found = await read(`<DBCluster>${MEMBERS}<Endpoint>ws-hermes.cluster-abc.rds.example</Endpoint>
      <ReaderEndpoint>ws-hermes.cluster-ro-abc.rds.example</ReaderEndpoint><Port>5432</Port>
      <MasterUserSecret><SecretArn>arn:secret</SecretArn></MasterUserSecret></DBCluster>`)
    assert.deepEqual(found, {
      writer: { host: 'ws-hermes.cluster-abc.rds.example', port: 5432 },
      reader: { host: 'ws-hermes.cluster-ro-abc.rds.example', port: 5432 },
      secret: 'arn:secret',
    })
  })

  it('may lack one for readers', async () => {
    const found = await read(
      `<DBCluster>${MEMBERS}<Endpoint>w.example</Endpoint><Port>5432</Port></DBCluster>`,
    )
    assert.equal(found.reader, undefined)
  })

  it('are not there before the cluster is made', async () => {
    const making = MEMBERS.replace('available', 'creating')
    await assert.rejects(
      read(`<DBCluster>${making}</DBCluster>`),
      (error) => isPgctlError(error, 'target-unknown') && error.why === 'it is creating',
    )
  })
})
