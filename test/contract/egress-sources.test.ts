import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import { natGateways } from '#sandbox/worlds/network.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/** `pgctl egress diff` of logs that lie where the services write them, with the account asked whose interfaces are whose. */

const BUCKET = `${WORLD.workspace}-logs`
const NODE = idOf('eni', ACME.nodes[0].instanceId)
const BASTION = idOf('eni', WORLD.bastion.instanceId)
const GATEWAY = natGateways(ACME)[0]?.allocation.interfaceId as string
const FUNCTION = idOf('eni', `${WORLD.workspace}-license-verify`)
const T = Math.floor(Date.now() / 1_000) - 600

const flow = (from: string, to: string, source = '10.0.32.9', port = 443) =>
  `2 111122223333 ${from} ${source} ${to} 45678 ${port} 6 10 4000 ${T} ${T + 60} ACCEPT OK`
const lookup = (name: string, address: string) =>
  JSON.stringify({
    version: '1.100000',
    query_timestamp: new Date(T * 1_000).toISOString(),
    query_name: `${name}.`,
    query_type: 'A',
    rcode: 'NOERROR',
    answers: [{ Rdata: address, Type: 'A', Class: 'IN' }],
  })

describe('logs where the services write them', { timeout: 120_000 }, () => {
  let cli: SandboxCli

  before(async () => {
    cli = await startSandboxCli()
    const settings = {
      region: WORLD.region,
      endpoint: cli.sandbox.plainEndpoint,
      credentials: cli.sandbox.operator,
      forcePathStyle: true,
    }
    const s3 = new S3Client(settings)
    const put = (Key: string, Body: string | Uint8Array) =>
      s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }))
    const header = `version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status`
    await put(
      'flows/1.log.gz',
      gzipSync([header, flow(NODE, '203.0.113.200'), flow(BASTION, '203.0.113.201')].join('\n')),
    )
    await put(
      'flows/2.log',
      [
        flow(GATEWAY, '203.0.113.200', '10.0.0.7'),
        flow(GATEWAY, '203.0.113.99', '10.0.0.7'),
        flow(FUNCTION, '203.0.113.202'),
      ].join('\n'),
    )
    await put('letters/1.txt', 'Dear customer,')
    s3.destroy()
    const logs = new CloudWatchLogsClient(settings)
    for (const [logGroupName, lines] of [
      [
        '/acme/resolver',
        [lookup('api.crm.example', '203.0.113.200'), lookup('mail.example', '203.0.113.201')],
      ],
      ['/acme/flows', [flow(NODE, '203.0.113.200')]],
      ['/acme/empty', []],
    ] as const) {
      await logs.send(new CreateLogGroupCommand({ logGroupName }))
      await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'a' }))
      const logEvents = lines.map((message) => ({ timestamp: T * 1_000, message }))
      if (logEvents.length > 0)
        await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'a', logEvents }))
    }
    logs.destroy()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const diff = async (...words: string[]) => {
    const { status, stdout, stderr } = await cli.run(['egress', 'diff', ...words, '--json'])
    return { status, stderr, document: JSON.parse(stdout) }
  }
  const places = (bundles: readonly { interface: string; owner: string; to: string }[]) =>
    bundles.map((each) => [each.interface, each.owner, each.to])

  it('sorts by the interface that a flow began at: nodes, bastion, functions, and gateways that pass on', async () => {
    const { status, document } = await diff(`s3://${BUCKET}/flows/`, 'cloudwatch:/acme/resolver')
    assert.equal(status, 5)
    assert.deepEqual([document.flows, document.lookups, document.left, document.relayed], [5, 2, 4, 1])
    assert.deepEqual(places(document.workload), [
      [NODE, `node ${ACME.nodes[0].instanceId}`, 'api.crm.example'],
    ])
    assert.deepEqual(
      new Set(places(document.unexplained).map((row) => row.join(' '))),
      new Set([
        `${BASTION} bastion ${WORLD.bastion.instanceId} mail.example`,
        `${GATEWAY} nat ${natGateways(ACME)[0]?.id} 203.0.113.99`,
        `${FUNCTION} function ${WORLD.workspace}-license-verify 203.0.113.202`,
      ]),
    )
  })

  it('reads page by page', async () => {
    cli.sandbox.cloud.state.turn({ pageSize: 1 })
    const { document } = await diff(`s3://${BUCKET}/flows/`, 'cloudwatch:/acme/resolver')
    cli.sandbox.cloud.state.turn(DEFAULT_KNOBS)
    assert.deepEqual([document.flows, document.lookups, document.left], [5, 2, 4])
  })

  it('reads flow logs from a log group, and asks the account for files where it is told to', async () => {
    const { status, document } = await diff('cloudwatch:/acme/flows')
    assert.deepEqual([status, document.explained, places(document.workload)[0]?.[0]], [0, true, NODE])
    const file = join(cli.home, 'flows.log')
    await writeFile(file, flow(NODE, '203.0.113.200'))
    assert.equal((await diff(file)).document.explained, false)
    assert.equal((await diff(file, '--discover')).document.explained, true)
  })

  for (const [words, why, code] of [
    [['s3://no-such-bucket/flows/'], /specified bucket does not exist/, 1],
    [[`s3://${BUCKET}/nothing/`], /nothing was written there since/, 2],
    [[`s3://${BUCKET}/letters/`], /neither as a VPC flow log nor/, 2],
    [['cloudwatch:/acme/missing'], /log group does not exist/, 1],
    [['cloudwatch:/acme/empty'], /nothing was written there since/, 2],
    [['cloudwatch:/acme/flows', '--since', '1m'], /nothing was written there since/, 2],
    [['cloudwatch:/acme/flows', '--since', 'ever'], /is no span of time/, 2],
  ] as const)
    it(`says what is wrong with ${words.join(' ')}`, async () => {
      const { status, document } = await diff(...words)
      assert.equal(status, code, JSON.stringify(document))
      assert.match(`${document.error.message} ${document.error.why}`, why)
    })

  for (const action of ['s3:ListBucket', 's3:GetObject', 'ec2:DescribeNetworkInterfaces'])
    it(`says that ${action} is not allowed`, async () => {
      cli.sandbox.cloud.state.turn({ deny: [action] })
      const { status, document } = await diff(`s3://${BUCKET}/flows/`)
      cli.sandbox.cloud.state.turn(DEFAULT_KNOBS)
      assert.equal(status, 6)
      assert.match(JSON.stringify(document), new RegExp(action))
    })
})
