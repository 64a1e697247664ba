import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { COMMANDS, commandsFor, needsOf } from '#core/permissions/needs.ts'
import { type PolicyScope, partitionOf } from '#core/permissions/places.ts'
import { POLICY_LIMIT, policyFor, policySize } from '#core/permissions/policy.ts'

const SCOPE: PolicyScope = {
  workspace: 'paragon-acme-5d1f0c2e',
  region: 'eu-central-1',
  account: '111122223333',
  bastion: { name: 'paragon-acme-5d1f0c2e-bastion' },
  clusterName: 'paragon-acme-5d1f0c2e',
  trailName: 'paragon-acme-5d1f0c2e-cloudtrail',
  bucketNames: ['a', 'b'],
  databases: ['paragon-acme-5d1f0c2e'],
  caches: ['paragon-acme-5d1f0c2e-redis'],
  bastionGroup: 'paragon-acme-5d1f0c2e-bastion',
  lifeKey: 'bastion/paragon-acme-5d1f0c2e/life',
  loginSecret: 'paragon/paragon-acme-5d1f0c2e/env',
  snapshotPolicyParameter: '/pgctl/paragon-acme-5d1f0c2e/snapshot-policy',
  portDocuments: ['AWS-StartPortForwardingSessionToRemoteHost'],
  sessionKey: undefined,
  stateTable: 'paragon-acme-5d1f0c2e-pgctl-state',
  ledgerAlias: 'alias/paragon-acme-5d1f0c2e-pgctl-ledger',
}

const statementsOf = (words: readonly string[], change: Partial<PolicyScope> = {}) =>
  policyFor(needsOf(words.flatMap(commandsFor)), { ...SCOPE, ...change }).Statement
const find = (sid: string, words: readonly string[], change: Partial<PolicyScope> = {}) =>
  statementsOf(words, change).find(({ Sid }) => Sid === sid)

describe('a policy', () => {
  it('has a statement a place, whatever commands share it', () => {
    const sids = statementsOf(['tunnel', 'exec', 'login', 'status']).map(({ Sid }) => Sid)
    assert.deepEqual(sids, [...new Set(sids)])
    for (const sid of sids) assert.match(sid, /^[A-Za-z0-9]+$/)
  })

  it('is within what IAM takes, for all that one works with', () => {
    const words = 'status,doctor,tunnel,logs,exec,login,kubectl,helm,run,shell,sessions'.split(',')
    const policy = policyFor(needsOf(words.flatMap(commandsFor)), {
      ...SCOPE,
      bucketNames: ['app', 'cdn', 'logs', 'auditlogs', 'managed-sync'].map(
        (name) => `${SCOPE.workspace}-${name}`,
      ),
      sessionKey: '5d0a2c8e-71f4-4b09-9c36-0e1a7b2f4d85',
    })
    assert.ok(policySize(policy) <= POLICY_LIMIT, String(policySize(policy)))
  })

  it('is bound to the one instance that the configuration names, also to one outside the cloud', () => {
    const resource = (id: string) =>
      find('StartSessionsOnTheBastion', ['exec'], { bastion: { id } })?.Resource
    assert.deepEqual(resource('i-0123456789abcdef0'), [
      'arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0',
    ])
    assert.deepEqual(resource('mi-0123456789abcdef0'), [
      'arn:aws:ssm:eu-central-1:111122223333:managed-instance/mi-0123456789abcdef0',
    ])
  })

  it('names the key of the preferences in whichever form they do, and none where they name none', () => {
    const key = (sessionKey: string | undefined) => find('EncryptSessions', ['exec'], { sessionKey })
    assert.equal(key(undefined), undefined)
    assert.deepEqual(key('abc')?.Resource, ['arn:aws:kms:eu-central-1:111122223333:key/abc'])
    assert.deepEqual(key('arn:aws:kms:eu-central-1:1:key/abc')?.Resource, [
      'arn:aws:kms:eu-central-1:1:key/abc',
    ])
    for (const alias of ['alias/sessions', 'arn:aws:kms:eu-central-1:1:alias/sessions'])
      assert.deepEqual(key(alias)?.Condition, { StringEquals: { 'kms:RequestAlias': 'alias/sessions' } })
    assert.equal(find('EncryptSessions', ['tunnel'], { sessionKey: 'abc' }), undefined, 'tunnels use none')
  })

  it('is of the partition of its region', () => {
    assert.deepEqual(['eu-central-1', 'cn-north-1', 'us-gov-west-1'].map(partitionOf), [
      'aws',
      'aws-cn',
      'aws-us-gov',
    ])
    for (const { Resource } of statementsOf(COMMANDS, { region: 'cn-north-1' }))
      for (const resource of Resource) assert.match(resource, /^(\*|arn:aws-cn:)/)
  })

  it('a topic stands for its commands, and a word for nothing that only begins like it', () => {
    assert.deepEqual(commandsFor('analytics'), ['analytics status', 'analytics on', 'analytics off'])
    assert.deepEqual(commandsFor('log'), [])
  })
})
