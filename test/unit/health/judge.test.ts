import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgeRights, judgeTrials } from '#core/health/judge-access.ts'
import { judgeClock, judgeEndpoints, judgeExpiry, outboundSettings } from '#core/health/judge-computer.ts'
import { type OtherWaysFacts, otherWays } from '#core/health/other-ways.ts'
import { CLUSTER_RIGHTS } from '#core/kube/rights.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

describe('the judgement of this computer', () => {
  for (const [ahead, state, says] of [
    [0, 'ok', 'to a second'],
    [900, 'ok', 'to a second'],
    [-30 * SECOND, 'ok', '30 s behind'],
    [2 * MINUTE, 'warning', '120 s ahead of'],
    [-6 * MINUTE, 'failed', '360 s behind'],
  ] as const)
    it(`a clock ${ahead} ms ahead is ${state}`, () => {
      const outcome = judgeClock(ahead)
      assert.equal(outcome.state, state)
      assert.ok(outcome.says.includes(says), outcome.says)
      assert.equal(outcome.next === undefined, state === 'ok')
    })

  it('credentials that end soon are a warning, those without an end are not', () => {
    assert.equal(judgeExpiry(undefined, 0).state, 'ok')
    assert.equal(judgeExpiry(60 * MINUTE, 0).state, 'ok')
    assert.deepEqual(judgeExpiry(14 * MINUTE, 0), {
      state: 'warning',
      says: 'there are some, good for 14 min, until 1970-01-01T00:14:00Z',
      next: 'renew them before you begin something long',
    })
  })

  it('a proxy is named without its password, in either spelling of its variable', () => {
    const settings = outboundSettings({
      https_proxy: 'http://me:secret@proxy:3128',
      NO_PROXY: 'corp',
      HOME: '/',
    })
    assert.deepEqual(settings, ['HTTPS_PROXY=http://***@proxy:3128', 'NO_PROXY=corp'])
    assert.equal(
      judgeEndpoints([
        { host: 'a', by: settings },
        { host: 'b', by: settings },
      ]).says,
      'a, b answer, by HTTPS_PROXY=http://***@proxy:3128, NO_PROXY=corp',
    )
  })
})

describe('the judgement of rights', () => {
  const trial = (what: string, verdict: 'allowed' | 'denied' | 'unknown') => ({
    what,
    verdict,
    commands: [what],
  })

  it('fails where nothing is allowed, warns where something is not', () => {
    assert.equal(judgeTrials([trial('a', 'allowed')]).state, 'ok')
    assert.equal(judgeTrials([trial('a', 'allowed'), trial('b', 'denied')]).state, 'warning')
    assert.equal(judgeTrials([trial('a', 'denied'), trial('b', 'denied')]).state, 'failed')
    assert.equal(judgeTrials([trial('a', 'unknown')]).state, 'warning')
    assert.match(judgeTrials([trial('exec', 'denied')]).next ?? '', /pgctl iam policy --for exec$/)
  })

  it('names what cannot be done in the cluster, the missing right, and the smaller role that has it', () => {
    const rights = { logs: CLUSTER_RIGHTS['logs'] ?? [], helm: CLUSTER_RIGHTS['helm list'] ?? [] }
    const without = (resource: string) =>
      Object.values(rights)
        .flat()
        .map((right) => ({ right, allowed: right.resource !== resource, reason: undefined }))
    const noLogs = judgeRights(rights, without('pods/log'))
    assert.equal(noLogs.state, 'warning')
    assert.equal(noLogs.says, 'not enough for logs: no get pods/log')
    assert.match(noLogs.next ?? '', /--role view$/)
    assert.match(judgeRights(rights, without('secrets')).next ?? '', /--role operate$/)
    assert.equal(judgeRights(rights, without('nothing')).state, 'ok')
  })
})

describe('other ways in', () => {
  const facts: OtherWaysFacts = {
    region: 'eu-central-1',
    bastion: 'i-1',
    serialConsole: false,
    connectEndpoints: [],
    cluster: { name: 'acme', publicAccess: [] },
  }
  const names = (change: Partial<OtherWaysFacts>) =>
    otherWays({ ...facts, ...change }).ways.map(({ way }) => way)

  it('are only those that are there', () => {
    assert.deepEqual(names({}), [])
    assert.deepEqual(names({ serialConsole: true }), ['serial-console'])
    assert.deepEqual(names({ cluster: { name: 'acme', publicAccess: ['192.0.2.0/24'] } }), ['cluster-api'])
    const ready = [{ id: 'eice-1', state: 'create-complete', vpcId: 'vpc-1' }]
    assert.deepEqual(names({ connectEndpoints: ready }), ['instance-connect-endpoint'])
    assert.deepEqual(
      names({ connectEndpoints: [{ ...ready[0], id: 'eice-1', state: 'create-failed', vpcId: '' }] }),
      [],
    )
  })

  it('lead onto no machine that does not run', () => {
    assert.deepEqual(names({ serialConsole: true, bastion: undefined }), [])
  })

  it('what may not be asked is told, and not taken for absent', () => {
    assert.deepEqual(
      otherWays({ ...facts, serialConsole: undefined, connectEndpoints: undefined, cluster: undefined })
        .unread,
      ['ec2:DescribeInstanceConnectEndpoints', 'ec2:GetSerialConsoleAccessStatus', 'eks:DescribeCluster'],
    )
  })
})
