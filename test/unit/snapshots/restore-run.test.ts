import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import { carryOutRestore } from '#core/snapshots/io/restore.ts'
import type { RefusalReason } from '#core/snapshots/refusal.ts'
import { planRestore } from '#core/snapshots/restore/plan.ts'
import { judgeProgress, type StepProgress } from '#core/snapshots/restore/progress.ts'
import type { RestoreApi, Seen } from '#core/snapshots/restore/restore-api.ts'
import type { Source } from '#core/snapshots/snapshot.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { REGION, sourceOf, WORKSPACE } from '../../support/snapshot-scene.ts'

const NETWORK = { subnetGroup: 's', securityGroups: [], parameterGroup: 'p' }
const AURORA: Source = sourceOf('rds-cluster', 'aurora', {
  settings: {
    ...{ kind: 'rds-cluster', engine: 'aurora-postgresql', ...NETWORK, iamAuthentication: false },
    members: [{ class: 'db.r7g.large' }],
  },
})
const PLAN = planRestore({
  ...{ workspace: WORKSPACE, region: REGION, record: undefined, sources: [AURORA], only: [] },
  ...{ gateGroup: undefined, use: () => 'unknown' as const, arnOf: () => undefined },
  point: {
    ...{ id: 'pt-1', set: 's', slot: 's', missing: [], complete: true, skewSeconds: 0, takenAt: 1 },
    restorable: { kind: 'beyond', at: 2 },
    parts: [
      {
        ...{ sourceId: sourceId(AURORA), name: 'snap', region: REGION, state: 'available', takenAt: 1 },
        key: undefined,
      },
    ],
  },
})
const [CLUSTER, MEMBER] = PLAN.steps as [(typeof PLAN.steps)[0], (typeof PLAN.steps)[0]]

/** A provider that has everything ready two looks after it was begun. */
class Provider implements RestoreApi {
  readonly begun: string[] = []
  readonly there = new Map<string, Seen & { looks: number }>()
  refuse: RefusalReason[] = []

  async look({ name }: { readonly name: string }): Promise<Seen | undefined> {
    const own = this.there.get(name)
    if (own === undefined) return undefined
    own.looks++
    return { ...own, status: own.looks > 2 ? 'available' : 'creating' }
  }

  async begin(step: (typeof PLAN.steps)[0]) {
    const reason = this.refuse.shift()
    if (reason !== undefined) return { kind: 'refused', refusal: { reason, says: `no: ${reason}` } } as const
    this.begun.push(step.name)
    this.there.set(step.name, { status: 'creating', tags: step.tags, endpoint: undefined, looks: 0 })
    return { kind: 'accepted' } as const
  }

  async newest() {
    return undefined
  }
}

async function carry(api: Provider, more: { wait?: boolean; signal?: AbortSignal } = {}) {
  const told: string[][] = []
  const clock = new ManualClock()
  const onProgress = (progress: readonly StepProgress[]) => {
    told.push(progress.map(({ state }) => state))
  }
  const shell = { api, clock, onProgress, wait: more.wait ?? true, betweenLooks: 0 }
  const running = carryOutRestore(PLAN, { ...shell, signal: more.signal ?? new AbortController().signal })
  let isOver = false
  const end = () => {
    isOver = true
  }
  running.then(end, end)
  while (!isOver) {
    clock.advance(1)
    await new Promise(setImmediate)
  }
  return { progress: await running, told }
}

describe('carryOutRestore', () => {
  it('begins the cluster, then its instance once it is there, and waits for both', async () => {
    const api = new Provider()
    const { progress, told } = await carry(api)
    assert.deepEqual(api.begun, [CLUSTER.name, MEMBER.name])
    assert.deepEqual(told[0], ['making', 'waiting'])
    assert.deepEqual(
      progress.map(({ state }) => state),
      ['ready', 'ready'],
    )
  })

  it('a second call begins nothing twice, wherever the first one was ended', async () => {
    for (let looks = 1; looks < 8; looks++) {
      const api = new Provider()
      const end = new AbortController()
      const look = api.look.bind(api)
      let left = looks
      api.look = async (step) => {
        if (left-- === 0) end.abort(new PgctlError('interrupted', 'Ctrl-C'))
        return await look(step)
      }
      await assert.rejects(carry(api, { signal: end.signal }), /Ctrl-C/)
      api.look = look
      await carry(api)
      assert.deepEqual(api.begun, [CLUSTER.name, MEMBER.name], `ended at look ${looks}`)
    }
  })

  it('outlasts a network that is away for a while, and begins nothing blindly', async () => {
    for (const [misses, code, isOver] of [
      [20, 'endpoint-unreachable', true],
      [20, 'throttled', true],
      [21, 'endpoint-unreachable', false],
      [1, 'permission-denied', false],
    ] as const) {
      const api = new Provider()
      const look = api.look.bind(api)
      let [looks, left] = [0, misses]
      api.look = async (step) => {
        // The first round is seen; then one step of each round is not.
        if (++looks > 2 && step.name === CLUSTER.name && left-- > 0) throw new PgctlError(code, 'away')
        return await look(step)
      }
      if (!isOver) await assert.rejects(carry(api), /away/, `${misses} ${code}`)
      else {
        await carry(api)
        assert.deepEqual(api.begun, [CLUSTER.name, MEMBER.name])
      }
    }
  })

  it('a first look that fails is told at once', async () => {
    const api = new Provider()
    api.look = async () => {
      throw new PgctlError('endpoint-unreachable', 'away')
    }
    await assert.rejects(carry(api), /away/)
    assert.deepEqual(api.begun, [])
  })

  it('begins and leaves where nobody waits', async () => {
    const api = new Provider()
    const { progress } = await carry(api, { wait: false })
    assert.deepEqual(
      progress.map(({ state }) => state),
      ['making', 'waiting'],
    )
  })

  for (const reason of ['throttled', 'unreachable', 'snapshot-busy', 'no-capacity', 'exists'] as const)
    it(`asks again after ${reason}`, async () => {
      const api = new Provider()
      api.refuse = [reason, reason]
      const { progress } = await carry(api)
      assert.deepEqual(
        progress.map(({ state }) => state),
        ['ready', 'ready'],
      )
    })

  for (const reason of [
    'quota',
    'key-unusable',
    'denied',
    'gone',
    'invalid',
    'credentials',
    'unknown',
  ] as const)
    it(`ends at ${reason}, and what stands on it fails with it`, async () => {
      const api = new Provider()
      api.refuse = [reason]
      const { progress } = await carry(api)
      assert.deepEqual(
        progress.map(({ state }) => state),
        ['failed', 'failed'],
      )
      assert.equal(progress[0]?.says, `no: ${reason}`)
      assert.deepEqual(api.begun, [])
    })
})

describe('judgeProgress', () => {
  const seen = (status: string, tags: Seen['tags'] = CLUSTER.tags) =>
    judgeProgress(PLAN, {
      seen: new Map([[CLUSTER.name, { status, tags, endpoint: { host: 'h', port: 1 } }]]),
      refused: new Map(),
    })[0]

  for (const [status, state] of [
    ['available', 'ready'],
    ['creating', 'making'],
    ['backing-up', 'making'],
    ['modifying', 'making'],
    ['a word of tomorrow', 'making'],
    ['failed', 'failed'],
    ['restore-error', 'failed'],
    ['incompatible-network', 'failed'],
    ['inaccessible-encryption-credentials', 'failed'],
    ['deleting', 'failed'],
  ] as const)
    it(`${status} is ${state}`, () => assert.equal(seen(status)?.state, state))

  it("what bears the name without our tags is somebody's", () => {
    assert.equal(seen('available', {})?.state, 'taken')
    assert.equal(seen('available', { ...CLUSTER.tags, 'pgctl:restored-from': 'pt-2' })?.state, 'taken')
  })

  it('tags that the provider does not tell yet say nothing', () => {
    assert.equal(seen('creating', undefined)?.state, 'making')
  })

  it('tells where it answers only once it does', () => {
    assert.equal(seen('creating')?.endpoint, undefined)
    assert.deepEqual(seen('available')?.endpoint, { host: 'h', port: 1 })
  })
})
