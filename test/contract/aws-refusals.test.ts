/** What the sandbox's AWS endpoint refuses before it looks at an operation, in the words of each service. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2'
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks'
import { GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { DescribeSessionsCommand, SSMClient, StartSessionCommand } from '@aws-sdk/client-ssm'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { WORLD } from '#sandbox/world.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { type ClientOverrides, errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

describe('refusals, in the words of each service', { timeout: 30_000 }, () => {
  const calls = {
    ssm: (overrides: ClientOverrides) =>
      clients.of(SSMClient, overrides).send(new DescribeSessionsCommand({ State: 'Active' })),
    kms: (overrides: ClientOverrides) =>
      clients
        .of(KMSClient, overrides)
        .send(new GenerateDataKeyCommand({ KeyId: WORLD.kmsKeyArn, NumberOfBytes: 64 })),
    ec2: (overrides: ClientOverrides) =>
      clients.of(EC2Client, overrides).send(new DescribeInstancesCommand({})),
    eks: (overrides: ClientOverrides) =>
      clients.of(EKSClient, overrides).send(new DescribeClusterCommand({ name: WORLD.cluster.name })),
    sts: (overrides: ClientOverrides) =>
      clients.of(STSClient, overrides).send(new GetCallerIdentityCommand({})),
  }
  const unknownKey = { accessKeyId: 'AKIAABCDEFGHIJKLMNOP' }
  const wrongSecret = { secretAccessKey: 'not the secret' }
  const skewed = { systemClockOffset: -20 * 60_000 }
  const ROWS: ReadonlyArray<[keyof typeof calls, ClientOverrides, string, number]> = [
    ['ssm', unknownKey, 'UnrecognizedClientException', 400],
    ['kms', unknownKey, 'UnrecognizedClientException', 400],
    ['eks', unknownKey, 'UnrecognizedClientException', 403],
    ['sts', unknownKey, 'InvalidClientTokenId', 403],
    ['ec2', unknownKey, 'AuthFailure', 401],
    ['ssm', wrongSecret, 'InvalidSignatureException', 400],
    ['kms', wrongSecret, 'InvalidSignatureException', 400],
    ['eks', wrongSecret, 'InvalidSignatureException', 403],
    ['sts', wrongSecret, 'SignatureDoesNotMatch', 403],
    ['ec2', wrongSecret, 'AuthFailure', 401],
    ['ssm', skewed, 'InvalidSignatureException', 400],
    ['sts', skewed, 'SignatureDoesNotMatch', 403],
    ['ec2', skewed, 'RequestExpired', 400],
    ['ssm', { sessionToken: 'of another key' }, 'UnrecognizedClientException', 400],
    ['ssm', { region: 'ap-south-2' }, 'InvalidSignatureException', 400],
  ]
  for (const [service, overrides, name, status] of ROWS)
    it(`${service} answers ${name} to ${JSON.stringify(overrides)}`, async () => {
      const error = await errorOf(calls[service](overrides))
      assert.equal(error.name, name)
      assert.equal(error.$metadata.httpStatusCode, status)
      assert.ok(error.$metadata.requestId)
    })

  const EXPIRED: ReadonlyArray<[keyof typeof calls, string]> = [
    ['ssm', 'ExpiredTokenException'],
    ['kms', 'ExpiredTokenException'],
    ['eks', 'ExpiredTokenException'],
    ['sts', 'ExpiredToken'],
    ['ec2', 'RequestExpired'],
  ]
  for (const [service, name] of EXPIRED)
    it(`${service} answers ${name} to expired credentials`, async () => {
      fixture.cloud.state.turn({ credentials: 'expired' })
      assert.equal((await errorOf(calls[service]({}))).name, name)
    })

  it('a request without a signature is told so', async () => {
    const post = (headers: Record<string, string>, body: string) =>
      fetch(fixture.url, { method: 'POST', headers, body }).then(
        async (r) => [r.status, await r.text()] as const,
      )
    const [status, text] = await post(
      { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.StartSession' },
      '{}',
    )
    assert.equal(status, 400)
    assert.equal(JSON.parse(text).__type, 'MissingAuthenticationTokenException')
    const [stsStatus, xml] = await post(
      { 'content-type': 'application/x-www-form-urlencoded' },
      'Action=GetCallerIdentity&Version=2011-06-15',
    )
    assert.equal(stsStatus, 403)
    assert.match(xml, /<Code>MissingAuthenticationToken<\/Code>/)
  })

  it('permissions are refused by action, with the resource named', async () => {
    fixture.cloud.state.turn({
      deny: ['ssm:StartSession', 'ec2:DescribeInstances', 'eks:DescribeCluster', 'kms:GenerateDataKey'],
    })
    const start = await errorOf(
      clients.of(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })),
    )
    assert.equal(start.name, 'AccessDeniedException')
    assert.equal(
      start.message,
      `User: arn:aws:iam::${WORLD.account}:user/operator is not authorized to perform: ssm:StartSession on resource: ` +
        `arn:aws:ec2:${WORLD.region}:${WORLD.account}:instance/${WORLD.bastion.instanceId} ` +
        'because no identity-based policy allows the ssm:StartSession action',
    )
    assert.equal((await errorOf(calls.ec2({}))).name, 'UnauthorizedOperation')
    assert.equal((await errorOf(calls.eks({}))).name, 'AccessDeniedException')
    assert.equal((await errorOf(calls.kms({}))).name, 'AccessDeniedException')
    await calls.ssm({})
  })

  it('throttles as many calls as it is told', async () => {
    fixture.cloud.state.turn({ throttle: { 'ssm:DescribeSessions': 1, 'ec2:DescribeInstances': 1 } })
    assert.equal((await errorOf(calls.ssm({}))).name, 'ThrottlingException')
    assert.equal((await errorOf(calls.ec2({}))).name, 'RequestLimitExceeded')
    await calls.ssm({})
    await calls.ec2({})
  })
})
