import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TAGS } from '#core/snapshots/naming.ts'
import { METRICS_NAMESPACE, VARIABLES } from '../../functions/names.ts'
import {
  actionsOf,
  PARAMETERS,
  PackagedTemplate,
  type Statement,
  WORKSPACE,
} from '../support/packaged-template.ts'

/** What the functions that look after snapshots may do: who makes does not delete, and who deletes does not make. */

const MAKING = /:(Create|Copy)/
const DELETING = /:Delete/
const ONLY_OURS = /:(snapshot|cluster-snapshot):pgctl-\*$/

describe('the packaged template, of snapshots', { timeout: 120_000 }, () => {
  let template: PackagedTemplate
  before(async () => {
    template = await PackagedTemplate.make()
  })
  after(() => template?.[Symbol.asyncDispose]())

  const allowed = (role: string) => template.statementsOf(role).filter(({ Effect }) => Effect === 'Allow')
  const onData = (role: string) =>
    allowed(role).flatMap((statement) =>
      actionsOf(statement)
        .filter((action) => /^(rds|elasticache|kms|ec2|eks|s3|iam):/.test(action))
        .map((action) => ({ action, statement })),
    )
  const resourcesOf = ({ Resource }: Statement): string[] =>
    (Array.isArray(Resource) ? Resource : [Resource]).map((each) => Object(each)['Fn::Sub'] ?? String(each))

  it('lets the tick make and not delete', () => {
    const actions = onData('SnapshotTickRole')
    assert.ok(actions.some(({ action }) => MAKING.test(action)))
    for (const { action } of actions)
      assert.match(action, /:(Describe|List|Create(DB|Snapshot|Grant)|Copy|AddTags)/)
    for (const { action, statement } of actions)
      if (resourcesOf(statement).some((resource) => ONLY_OURS.test(resource)))
        assert.deepEqual(
          Object(statement.Condition).StringEquals,
          { [`aws:RequestTag/${TAGS.installation}`]: WORKSPACE },
          action,
        )
  })

  it('lets the prune delete what bears our name and our tag, and make nothing', () => {
    const actions = onData('SnapshotPruneRole')
    for (const { action } of actions) assert.doesNotMatch(action, MAKING)
    const deleting = actions.filter(({ action }) => DELETING.test(action))
    assert.deepEqual(deleting.map(({ action }) => action).sort(), [
      'elasticache:DeleteSnapshot',
      'rds:DeleteDBClusterSnapshot',
      'rds:DeleteDBSnapshot',
    ])
    for (const { statement } of deleting) {
      for (const resource of resourcesOf(statement)) assert.match(resource, ONLY_OURS)
      assert.deepEqual(Object(statement.Condition).StringEquals, {
        [`aws:ResourceTag/${TAGS.installation}`]: WORKSPACE,
      })
    }
  })

  it('names every action in full, and gives what changes something on named resources', () => {
    for (const role of ['SnapshotTickRole', 'SnapshotPruneRole'])
      for (const statement of allowed(role))
        for (const action of actionsOf(statement)) {
          assert.doesNotMatch(action, /\*/)
          if (!/:(Describe|List)|^kms:/.test(action))
            for (const resource of resourcesOf(statement)) assert.notEqual(resource, '*', action)
        }
  })

  it('schedules both, each with a role that may invoke it alone, and keeps what failed', () => {
    for (const [prefix, name] of [
      ['SnapshotTick', 'tick'],
      ['SnapshotPrune', 'prune'],
    ]) {
      const { Target: target } = template.named(`${prefix}Schedule`).Properties
      assert.deepEqual(target.RoleArn, { 'Fn::GetAtt': [`${prefix}ScheduleRole`, 'Arn'] })
      assert.deepEqual(target.Arn, { 'Fn::GetAtt': [`SnapshotDash${name}LambdaFunction`, 'Arn'] })
      assert.deepEqual(JSON.parse(target.Input), { trigger: 'schedule' })
      assert.deepEqual(target.DeadLetterConfig, { Arn: { 'Fn::GetAtt': [`${prefix}Failures`, 'Arn'] } })
    }
  })

  it('gives them the variables that the code reads', () => {
    const { workspace, product, snapshotTable, snapshotPolicy } = VARIABLES
    for (const name of ['tick', 'prune']) {
      const { Variables } = template.named(`SnapshotDash${name}LambdaFunction`).Properties.Environment
      assert.deepEqual(
        Object.keys(Variables).sort(),
        [workspace, product, snapshotTable, snapshotPolicy].sort(),
      )
    }
  })

  it('alarms where something is wrong, and where nobody says anything', () => {
    const alarms = template
      .ofType('AWS::CloudWatch::Alarm')
      .map(({ Properties }) => Properties)
      .filter(({ Dimensions }) => /^snapshot-/.test(Dimensions[0].Value))
    assert.deepEqual(alarms.map(({ MetricName }) => MetricName).sort(), [
      'DatastoresUncovered',
      'OldestPointAge',
      'SnapshotFaults',
      'SnapshotFaults',
    ])
    for (const { Namespace, AlarmActions, MetricName, TreatMissingData } of alarms) {
      assert.deepEqual([Namespace, AlarmActions], [METRICS_NAMESPACE, [PARAMETERS.topic]])
      if (MetricName === 'SnapshotFaults') assert.equal(TreatMissingData, 'breaching')
    }
  })

  it('keeps the table of what is ours when the stack is deleted', () => {
    const table = template.named('SnapshotTable')
    assert.deepEqual([table.DeletionPolicy, table.Properties.DeletionProtectionEnabled], ['Retain', true])
  })

  it('packs what the functions need, product profiles too', async () => {
    for (const name of ['tick', 'prune']) {
      const { size } = await stat(join(template.folder, `snapshot-${name}.zip`))
      assert.ok(size > 20_000 && size < 600_000, `${size} bytes`)
    }
  })
})
