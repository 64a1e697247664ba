import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Demand, permits, policySchema } from '#sandbox/aws/policy.ts'

const USER = {
  account: '111122223333',
  arn: 'arn:aws:iam::111122223333:user/path/operator',
  userId: 'AIDA1',
  sessionName: 'operator',
}
const ROLE = { ...USER, arn: 'arn:aws:sts::111122223333:assumed-role/ops/me', userId: 'AROA1:me' }

const policyOf = (statement: object) =>
  policySchema.parse({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] })
const demand = (change: Partial<Demand>): Demand => ({
  action: 'ssm:StartSession',
  resource: 'arn:aws:ssm:eu-central-1::document/AWS-StartSSHSession',
  tags: {},
  caller: USER,
  ...change,
})
const variable = (name: string) => `\${${name}}`

describe('an identity policy', () => {
  for (const [Action, Resource, change, allowed, why] of [
    ['ssm:StartSession', '*', {}, true, 'action and every resource'],
    ['SSM:startsession', '*', {}, true, 'actions know no case'],
    ['ssm:Start*', '*', {}, true, 'a star in an action'],
    ['ssm:Star?Session', '*', {}, true, 'a question mark'],
    ['ssm:StartSessio', '*', {}, false, 'no beginning of an action'],
    ['ssm:ResumeSession', '*', {}, false, 'another action'],
    ['*', 'arn:aws:ssm:eu-central-1::document/AWS-StartSSH*', {}, true, 'a star in a resource'],
    ['*', 'arn:aws:ssm:eu-central-1::document/aws-StartSSHSession', {}, false, 'resources know case'],
    ['*', 'arn:aws:ssm:*', { resource: '*' }, false, 'an action without resources needs every resource'],
    ['*', 'arn.aws:ssm:eu-central-1::document/AWS-StartSSHSession', {}, false, 'a dot is a dot'],
  ] as const)
    it(`${allowed ? 'allows' : 'refuses'}: ${why}`, () =>
      assert.equal(permits(policyOf({ Action, Resource }), demand(change)), allowed))

  it('puts the caller in the place of its variables; a name is only a user’s', () => {
    const of = (name: string) => policyOf({ Action: '*', Resource: `session/${variable(name)}-*` })
    const may = (name: string, resource: string, caller: Demand['caller']) =>
      permits(of(name), demand({ resource, caller }))
    assert.equal(may('aws:username', 'session/operator-1', USER), true)
    assert.equal(may('aws:username', 'session/operator-1', ROLE), false)
    assert.equal(may('aws:userid', 'session/AROA1:me-1', ROLE), true)
    assert.equal(may('aws:userid', 'session/me-1', ROLE), false, 'so sessions of roles are told by their tag')
  })

  it('asks for tags, which have to be there', () => {
    const policy = policyOf({
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'ssm:resourceTag/Name': ['a', 'b'] } },
    })
    const may = (tags: Record<string, string>) => permits(policy, demand({ tags }))
    assert.deepEqual(
      [may({ Name: 'a' }), may({ Name: 'b' }), may({ Name: 'c' }), may({})],
      [true, true, false, false],
    )
  })

  it('every condition has to hold', () => {
    const policy = policyOf({
      Action: '*',
      Resource: '*',
      Condition: {
        BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' },
        StringEquals: { 'kms:RequestAlias': 'alias/a' },
        StringLike: { 'aws:ResourceTag/owner': variable('aws:userid') },
      },
    })
    const good = { tags: { owner: 'AIDA1' }, context: { 'kms:RequestAlias': 'alias/a' } }
    assert.equal(permits(policy, demand(good)), true)
    assert.equal(permits(policy, demand({ ...good, context: {} })), false)
    assert.equal(permits(policy, demand({ ...good, tags: { owner: 'AIDA2' } })), false)
  })

  it('is not taken where it says what nobody here evaluates', () => {
    for (const statement of [
      { Effect: 'Deny', Action: '*', Resource: '*' },
      { NotAction: 'ssm:*', Resource: '*' },
      { Action: '*', Resource: '*', Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } },
    ])
      assert.throws(() => policyOf(statement))
  })

  it('without wildcards allows exactly what it names', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9:./_-]{1,30}$/)
    fc.assert(
      fc.property(name, name, (Resource, resource) => {
        const allowed = permits(policyOf({ Action: '*', Resource }), demand({ resource }))
        assert.equal(allowed, Resource === resource)
      }),
    )
  })
})
