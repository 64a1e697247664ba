/** Another account's installation is entered by its role: who may assume it, for how long, and what that opens. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2'
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { errorOf, SdkClients } from '../support/sdk-clients.ts'
import { startTestCloud } from '../support/test-cloud.ts'

const ROLE = {
  RoleArn: GLOBEX.role.arn,
  RoleSessionName: 'pgctl-ada',
  ExternalId: GLOBEX.role.externalId,
} as const

const { fixture, clients } = await stageCloud()

describe('a role of another account', { timeout: 30_000 }, () => {
  const assume = (change: Partial<AssumeRoleCommandInput> = {}) =>
    clients.of(STSClient).send(new AssumeRoleCommand({ ...ROLE, ...change }))

  it('gives credentials that end, and say whose they are', async () => {
    const { Credentials, AssumedRoleUser } = await assume({ DurationSeconds: 900 })
    assert.match(Credentials?.AccessKeyId ?? '', /^ASIA[A-Z2-7]{16}$/)
    const left = (Credentials?.Expiration?.getTime() ?? 0) - Date.now()
    assert.ok(left > 800_000 && left <= 901_000, `${left} ms are left`)
    const arn = `arn:aws:sts::${GLOBEX.account}:assumed-role/${GLOBEX.workspace}-operator/pgctl-ada`
    assert.equal(AssumedRoleUser?.Arn, arn)
    const identity = await clients
      .of(STSClient, await clients.into(GLOBEX))
      .send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Account, GLOBEX.account)
    assert.match(identity.Arn ?? '', /assumed-role\/paragon-globex-91b7e04d-operator\/test$/)
  })

  it('opens the installation of its account and region, and nothing of the other', async () => {
    const globex = await clients.into(GLOBEX)
    const bastions = async (overrides: typeof globex) => {
      const { Reservations } = await clients
        .of(EC2Client, overrides)
        .send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Name', Values: ['*-bastion'] }] }))
      return (Reservations ?? []).flatMap(({ Instances }) => Instances?.map(({ InstanceId }) => InstanceId))
    }
    assert.deepEqual(await bastions(globex), [GLOBEX.bastion.instanceId])
    assert.deepEqual(await bastions({ ...globex, region: ACME.region }), [])
    assert.deepEqual(await bastions({ region: GLOBEX.region }), [])
    assert.deepEqual(await bastions({}), [ACME.bastion.instanceId])
    const { cluster } = await clients
      .of(EKSClient, globex)
      .send(new DescribeClusterCommand({ name: GLOBEX.cluster.name }))
    assert.equal(cluster?.endpoint, `https://${GLOBEX.cluster.host}`)
  })

  const REFUSED: ReadonlyArray<[string, Partial<AssumeRoleCommandInput>, string]> = [
    ['without the external id', { ExternalId: undefined }, 'AccessDenied'],
    ['with a wrong external id', { ExternalId: 'globex-0000' }, 'AccessDenied'],
    ['of a name that is none', { RoleArn: `arn:aws:iam::${GLOBEX.account}:role/admin` }, 'AccessDenied'],
    ['for longer than it allows', { DurationSeconds: 43_200 }, 'ValidationError'],
    ['for too short', { DurationSeconds: 60 }, 'ValidationError'],
    ['under a name with spaces', { RoleSessionName: 'a b' }, 'ValidationError'],
  ]
  for (const [how, change, name] of REFUSED)
    it(`is not assumed ${how}`, async () => {
      const error = await errorOf(assume(change))
      assert.equal(error.name, name)
    })

  it('names who was refused which role', async () => {
    const error = await errorOf(assume({ ExternalId: 'another' }))
    assert.equal(error.$metadata.httpStatusCode, 403)
    assert.equal(
      error.message,
      `User: arn:aws:iam::${WORLD.account}:user/operator is not authorized to perform: sts:AssumeRole on resource: ${ROLE.RoleArn}`,
    )
  })

  it('is assumed by nobody of a third account, and by nobody who may not', async () => {
    fixture.cloud.state.turn({ account: '999988887777' })
    assert.equal((await errorOf(assume())).name, 'AccessDenied')
    fixture.cloud.state.turn({ account: WORLD.account, deny: ['sts:AssumeRole'] })
    assert.equal((await errorOf(assume())).name, 'AccessDenied')
  })

  it('its token belongs to its key', async () => {
    const globex = await clients.into(GLOBEX)
    const other = await clients.into(GLOBEX)
    const { sessionToken: _, ...withoutToken } = globex
    for (const overrides of [withoutToken, { ...globex, sessionToken: other.sessionToken ?? '' }]) {
      const error = await errorOf(clients.of(STSClient, overrides).send(new GetCallerIdentityCommand({})))
      assert.equal(error.name, 'InvalidClientTokenId')
    }
  })
})

it('the credentials of a role expire when they said', { timeout: 30_000 }, async () => {
  const clock = new ManualClock(Date.now())
  await using fixture = await startTestCloud({ clock })
  const clients = new SdkClients(fixture)
  const globex = await clients.into(GLOBEX)
  const ask = () =>
    clients
      .of(STSClient, { ...globex, systemClockOffset: clock.now().wall - Date.now() })
      .send(new GetCallerIdentityCommand({}))
  await ask()
  clock.advance(3_600_000 - 60_000)
  await ask()
  clock.advance(60_000)
  const error = await errorOf(ask())
  assert.equal(error.name, 'ExpiredToken')
  clients.destroy()
})
