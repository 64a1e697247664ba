import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { datastoreRules, formatRules, parseRules, withDatastoreRules } from '#core/bastion/datastore-rules.ts'
import { isPgctlError } from '#core/errors.ts'
import { datastore } from '../installation/support.ts'

const at = (...ports: number[]) => ports.map((port) => ({ host: `db-${port}.internal`, port }))

describe('the rules by which datastores let the bastion in', () => {
  it('are one for each port of each security group, however many datastores share it', () => {
    const rules = datastoreRules([
      datastore({ securityGroups: ['sg-0b', 'sg-0a'], endpoints: at(5432) }),
      datastore({ securityGroups: ['sg-0a'], endpoints: at(5432, 5433) }),
      datastore({
        engine: 'redis',
        securityGroups: ['sg-0c'],
        endpoints: at(6379),
        access: { readers: at(6380) },
      }),
    ])
    assert.equal(formatRules(rules), 'sg-0a:5432,sg-0a:5433,sg-0b:5432,sg-0c:6379,sg-0c:6380')
  })

  it('are none of a datastore whose groups are not known, or that has no address yet', () => {
    assert.deepEqual(
      datastoreRules([datastore(), datastore({ securityGroups: ['sg-0a'], endpoints: [] })]),
      [],
    )
    assert.equal(formatRules([]), 'not-found')
    for (const text of ['not-found', 'none']) assert.deepEqual(parseRules(text), [])
  })

  it('are refused where they are something else, before anything is asked of the cloud', () => {
    for (const text of ['', 'sg-0a', 'sg-0a:', 'sg-0a:5432;sg-0b:1', 'db:5432', 'all'])
      assert.throws(
        () => parseRules(text),
        (error) => isPgctlError(error, 'usage'),
        text,
      )
  })

  it('are read as they were written', () => {
    const group = fc.constantFrom('sg-0a', 'sg-0b')
    const rule = fc
      .tuple(group, fc.integer({ min: 1, max: 65_535 }))
      .map(([name, port]) => ({ group: name, port }))
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1 }), (rules) => {
        assert.deepEqual(parseRules(formatRules(rules)), rules)
      }),
    )
  })

  it('let in the bastion and nobody else, and take nothing from the template', () => {
    const before = { Resources: { BastionGroup: { Type: 'AWS::EC2::SecurityGroup' } } }
    const after = withDatastoreRules(before, [{ group: 'sg-0a1b', port: 5432 }])
    assert.deepEqual(after, {
      Resources: {
        ...before.Resources,
        Datastoresg0a1bPort5432: {
          Type: 'AWS::EC2::SecurityGroupIngress',
          Properties: {
            Description: 'The bastion, to a datastore',
            GroupId: 'sg-0a1b',
            ...{ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 },
            SourceSecurityGroupId: { 'Fn::GetAtt': ['BastionGroup', 'GroupId'] },
          },
        },
      },
    })
  })
})
