import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { connectAws } from '#core/aws/clients.ts'
import { createStackApi } from '#core/aws/stacks.ts'
import { withDatastoreRules } from '#core/bastion/datastore-rules.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { carryOut, type Deployment, propose } from '#core/stack/deploy.ts'
import type { Template } from '#core/stack/template.ts'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { describeWith } from '../support/peers.ts'

/**
 * Datastores let the bastion in, and nobody else; of the stack only the bastion's own group and these rules, in an
 * emulator that makes both. It takes no rule away again, neither with a change nor with the stack.
 */

const REGION = 'eu-central-1'
const ENVIRONMENT = {
  ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' },
}

describeWith(['moto'], 'rules of datastores in an emulator', { timeout: 120_000 }, () => {
  let emulator: Emulator
  let agents: OutboundAgents
  let vpc: string

  before(async () => {
    emulator = await startEmulator('moto')
    agents = createOutboundAgents({})
    Object.assign(process.env, ENVIRONMENT, { AWS_ENDPOINT_URL: emulator.url })
    vpc = idIn(await ec2({ Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }), 'vpcId')
  })
  after(async () => {
    for (const name of [...Object.keys(ENVIRONMENT), 'AWS_ENDPOINT_URL']) delete process.env[name]
    agents?.close()
    await emulator?.[Symbol.asyncDispose]()
  })

  async function ec2(words: Readonly<Record<string, string>>): Promise<string> {
    const answer = await fetch(emulator.url, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/ec2/aws4_request, SignedHeaders=host, Signature=0`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ Version: '2016-11-15', ...words }).toString(),
    })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    return text
  }
  const idIn = (answer: string, name: string) => new RegExp(`<${name}>([a-z]+-\\w+)<`).exec(answer)?.[1] ?? ''
  const securityGroup = async (name: string) =>
    idIn(
      await ec2({ Action: 'CreateSecurityGroup', GroupName: name, GroupDescription: name, VpcId: vpc }),
      'groupId',
    )
  /** Ports and groups that come in to a group. */
  async function into(group: string): Promise<string[][]> {
    const answer = await ec2({ Action: 'DescribeSecurityGroups', 'GroupId.1': group })
    const incoming = /<ipPermissions>(.*)<\/ipPermissions>/s.exec(answer)?.[1] ?? ''
    return [...incoming.matchAll(/<fromPort>(\d+)<.*?<groupId>(sg-\w+)</gs)].map(
      ([, port = '', from = '']) => [port, from],
    )
  }
  /** The bastion's own group out of the template, with the network that is here. */
  async function groupAlone(): Promise<Template> {
    const path = fileURLToPath(new URL('../../bastion-stack.yml', import.meta.url))
    const { BastionGroup } = parse(await readFile(path, 'utf8')).Resources
    const { GroupDescription } = BastionGroup.Properties
    return {
      Resources: {
        BastionGroup: { ...BastionGroup, Properties: { GroupName: 'bastion', GroupDescription, VpcId: vpc } },
      },
    }
  }

  it('are made, and more of them when another datastore has come', async () => {
    const connection = connectAws({
      region: REGION,
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0',
    })
    const api = createStackApi(connection)
    const deployment: Deployment = { api, clock: systemClock, stack: 'rules' }
    const [databases, caches] = [await securityGroup('databases'), await securityGroup('caches')]
    const deploy = async (name: string, template: Template) => {
      const state = await api.stack('rules')
      await carryOut(deployment, await propose(deployment, state, { template, parameters: [], name }))
    }
    const alone = await groupAlone()
    await deploy('first', withDatastoreRules(alone, [{ group: databases, port: 5432 }]))
    const bastion = (await into(databases))[0]?.[1] ?? ''
    assert.match(bastion, /^sg-/)
    assert.deepEqual([await into(databases), await into(caches)], [[['5432', bastion]], []])

    const more = [
      { group: databases, port: 5432 },
      { group: caches, port: 6379 },
    ]
    await deploy('second', withDatastoreRules(alone, more))
    assert.deepEqual([await into(databases), await into(caches)], [[['5432', bastion]], [['6379', bastion]]])
  })
})
