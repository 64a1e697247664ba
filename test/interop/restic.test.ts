import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import fc from 'fast-check'
import type { Keep, KeepCount } from '#core/snapshots/policy.ts'
import { applyRetention, describeKeep, type Retained } from '#core/snapshots/retention.ts'
import { formatWall, Zone } from '#core/snapshots/zone.ts'
import { runPeer } from '../support/peer-process.ts'
import { describeWith, programOf } from '../support/peers.ts'

/** The rules that keep and delete beside those of restic itself, whose semantics they are to have. */

const BERLIN = new Zone('Europe/Berlin')
const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-25T12:00Z')
const RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
/** The seed of times and rules: the same ones in every run. */
const SEED = 6

/** Some of the last hours, of the last weeks, and of years; several on one day, and over changes of the clocks. */
const SNAPSHOTS: readonly Retained[] = fc
  .sample(
    fc.record({
      ago: fc.oneof(
        fc.integer({ min: 1, max: 2 * 24 }),
        fc.integer({ min: 48, max: 40 * 24 }),
        fc.integer({ min: 40 * 24, max: 1100 * 24 }),
      ),
      minutes: fc.integer({ min: 0, max: 59 }),
      tags: fc.subarray(['a', 'b', 'c']),
    }),
    { numRuns: 48, seed: SEED },
  )
  .map(({ ago, minutes, tags }) => {
    // What restic is told is a local time: those that come twice it may take for the other one.
    const wall =
      Math.floor(BERLIN.wallAt(NOW - ago * HOUR) / DAY) * DAY + (ago % 24) * HOUR + minutes * 60_000
    return { wall: new Date(wall).getUTCHours() === 2 ? wall + 2 * HOUR : wall, tags }
  })
  .filter(({ wall }, index, all) => all.findIndex((each) => each.wall === wall) === index)
  .map(({ wall, tags }) => ({
    ...{ name: formatWall(wall), takenAt: BERLIN.resolve(wall).instant, complete: true, ours: true },
    tags: Object.fromEntries(tags.map((tag) => [tag, ''])),
  }))

const someCount: fc.Arbitrary<KeepCount> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 1, arbitrary: fc.constant('all' as const) },
)
const KEEPS: readonly Keep[] = fc
  .sample(
    fc.record({
      ...{ last: someCount, hourly: someCount, daily: someCount },
      ...{ weekly: someCount, monthly: someCount, yearly: someCount },
      within: fc.option(
        fc.integer({ min: 1, max: 2000 }).map((hours) => hours * HOUR),
        { nil: undefined },
      ),
      tags: fc.constantFrom<string[][]>([], [], [['a']], [['a', 'b'], ['c']]),
    }),
    { numRuns: 40, seed: SEED },
  )
  .map(
    ({ within, ...rules }): Keep => ({
      ...{ ...rules, relative: 'newest', minimum: 1 },
      ...(within === undefined ? {} : { within }),
    }),
  )
  // Rules that keep nothing both of us refuse.
  .filter((keep) => RULES.some((rule) => keep[rule] !== 0))

describeWith(['restic'], 'retention and restic', { timeout: 300_000 }, () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-restic-'))
    await writeFile(join(folder, 'file'), 'something')
    await restic(['init'])
    for (let from = 0; from < SNAPSHOTS.length; from += 4)
      await Promise.all(SNAPSHOTS.slice(from, from + 4).map(backUp))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** What it prints; its clock on the wall is that of Berlin. */
  async function restic(words: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await runPeer(
      programOf('restic'),
      ['--no-cache', '--json', ...words],
      {
        environment: {
          ...{ TZ: BERLIN.name, HOME: folder },
          ...{ RESTIC_REPOSITORY: join(folder, 'repository'), RESTIC_PASSWORD: 'of a test' },
        },
      },
    )
    assert.equal(status, 0, stderr)
    return stdout
  }

  async function backUp({ name, tags }: Retained): Promise<void> {
    const time = `${name.replace('T', ' ')}:00`
    const tagged = Object.keys(tags).flatMap((tag) => ['--tag', tag])
    await restic(['backup', join(folder, 'file'), '--time', time, ...tagged])
  }

  /** Local times of what it would keep. */
  async function keptBy(keep: Keep): Promise<string[]> {
    const counts = RULES.flatMap((rule) =>
      keep[rule] === 0 ? [] : [`--keep-${rule}`, keep[rule] === 'all' ? '10000' : String(keep[rule])],
    )
    const within = keep.within === undefined ? [] : ['--keep-within', `${keep.within / HOUR}h`]
    const tags = keep.tags.flatMap((list) => ['--keep-tag', list.join(',')])
    const words = ['forget', '--dry-run', '--no-lock', '--group-by', '', ...counts, ...within, ...tags]
    const [group] = JSON.parse(await restic(words)) as [{ keep: { time: string }[] }]
    return group.keep.map(({ time }) => formatWall(BERLIN.wallAt(Date.parse(time)))).sort()
  }

  it('keep the same, by any rules', async () => {
    assert.ok(SNAPSHOTS.length > 40 && KEEPS.length > 25)
    for (const keep of KEEPS) {
      const mine = applyRetention(SNAPSHOTS, keep, BERLIN, NOW)
      assert.deepEqual(
        mine.flatMap(({ snapshot, keep: isKept }) => (isKept ? [snapshot.name] : [])).sort(),
        await keptBy(keep),
        describeKeep(keep),
      )
    }
  })
})
