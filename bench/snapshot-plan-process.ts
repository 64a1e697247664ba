/**
 * A process of its own that plans: as many installations as it is told, each with so many datastores of so many
 * snapshots, one after the other as a fleet would. Prints what that took as JSON.
 *
 *     node bench/snapshot-plan-process.ts INSTALLATIONS DATASTORES SNAPSHOTS FOREIGN
 */
import { firstWall, forecast } from '#core/snapshots/forecast.ts'
import { type Occasion, pointId, snapshotName, tagsOf } from '#core/snapshots/naming.ts'
import { makePlan, type PlanInput } from '#core/snapshots/plan.ts'
import { parsePolicy } from '#core/snapshots/policy.ts'
import type { SnapshotRecord } from '#core/snapshots/records.ts'
import { type Snapshot, type Source, snapshotId, sourceId } from '#core/snapshots/snapshot.ts'
import { formatWall } from '#core/snapshots/zone.ts'

const [installations = 1, datastores = 8, snapshots = 100, foreign = 0] = process.argv.slice(2).map(Number)
const NOW = Date.parse('2026-11-25T12:00Z')
const HALF_DAY = 12 * 3_600_000
const REGION = 'eu-central-1'
const POLICY = parsePolicy(
  `zone: Europe/Berlin
sets:
  twice-daily:
    what: [all]
    when: { cron: '30 2,14 * * *' }
    keep: { last: 4, daily: 5, weekly: 4, monthly: 3, minimum: 3 }
limits: { deletes: 1000, rds-snapshots: 100000 }
`,
  'bench',
)

const inputs = Array.from({ length: installations }, (_, index) => inputOf(`paragon-tenant-${index}`))
globalThis.gc?.()
const before = process.memoryUsage().heapUsed
let [most, deletes] = [0, 0]
const started = performance.now()
for (const input of inputs) {
  deletes += makePlan(input).actions.filter(({ kind }) => kind === 'delete').length
  most = Math.max(most, process.memoryUsage().heapUsed)
}
const planned = performance.now()
for (const input of inputs)
  firstWall(forecast({ ...input, snapshots: input.listings.flatMap((each) => each.snapshots) }, NOW, 90))
const forecasted = performance.now()
const { maxRSS } = process.resourceUsage()
process.stdout.write(
  JSON.stringify({
    planMs: planned - started,
    forecastMs: forecasted - planned,
    peakBytes: maxRSS * 1024,
    heapBytes: most - before,
    deletes,
  }),
)

function inputOf(workspace: string): PlanInput {
  const sources: Source[] = Array.from({ length: datastores }, (_, index) => ({
    ...{ kind: 'rds-instance', id: `${workspace}-d${index}`, region: REGION, status: 'available' },
    ...{ key: undefined, windows: [] },
  }))
  const records = new Map<string, SnapshotRecord>()
  const all = sources.flatMap((source) => Array.from({ length: snapshots }, (_, age) => made(source, age)))
  function made(source: Source, age: number): Snapshot {
    const wall = NOW - age * HALF_DAY
    const occasion: Occasion = { workspace, set: 'twice-daily', slot: `UTC ${formatWall(wall)} 1`, wall }
    const snapshot: Snapshot = {
      ...{ shelf: 'rds-instances', region: REGION, name: snapshotName(occasion, source), source: source.id },
      ...{ arn: undefined, state: 'available', manual: true, takenAt: wall, key: undefined },
      tags: tagsOf(occasion, source),
    }
    const { shelf, name, region } = snapshot
    records.set(snapshotId(snapshot), {
      ...{ shelf, region, name, home: REGION, source: sourceId(source), set: occasion.set },
      ...{ slot: occasion.slot, wall, point: pointId(occasion), askedAt: wall },
    })
    return snapshot
  }
  for (let index = 0; index < foreign; index++)
    all.push({
      ...{
        shelf: 'rds-instances',
        region: REGION,
        name: `by-hand-${index}`,
        source: `somebodys-${index % 50}`,
      },
      ...{ arn: undefined, state: 'available', manual: true, takenAt: NOW - index, key: undefined, tags: {} },
    })
  return {
    ...{ workspace, now: NOW, policy: POLICY, begun: 0, points: new Set(), previous: [], sources, records },
    ...{ unreadable: [], quotas: [], buckets: [] },
    listings: [{ shelf: 'rds-instances', region: REGION, snapshots: all, missing: undefined }],
  }
}
