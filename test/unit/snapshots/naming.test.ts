import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isOurName, type Occasion, pointId, snapshotName, tagsOf } from '#core/snapshots/naming.ts'
import { SOURCE_KINDS, type SourceKind } from '#core/snapshots/snapshot.ts'
import { type Family, SnapshotWorld } from '#sandbox/aws/snapshots/snapshot-world.ts'

/** Names and tags are taken by the services, however long the names are that they are made of. */
const FAMILY: Readonly<Record<SourceKind, Family>> = {
  ...{ 'rds-instance': 'db', 'rds-cluster': 'db-cluster' },
  ...{ 'cache-cluster': 'cache', 'cache-group': 'cache' },
}

const id = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,62}$/)
const occasion = fc.record<Occasion>({
  workspace: fc.stringMatching(/^paragon-[a-z0-9]{1,40}-[0-9a-f]{8}$/),
  set: fc.stringMatching(/^[a-z][a-z0-9-]{0,19}$/),
  slot: fc.constantFrom('America/Argentina/ComodRivadavia 2026-10-25T02:30 1', 'UTC 2026-01-01T00:00 1'),
  wall: fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2099, 0) }),
})

describe('names and tags of snapshots', () => {
  it('are what every service takes, whatever the datastore is called', () => {
    fc.assert(
      fc.property(occasion, id, fc.constantFrom(...SOURCE_KINDS), (at, name, kind) => {
        const world = new SnapshotWorld()
        const [family, region] = [FAMILY[kind], 'ap-southeast-2']
        world.addSource({ family, region, id: name, status: 'available', kmsKeyId: undefined })
        const snapshot = snapshotName(at, { kind, id: name, region })
        assert.ok(isOurName(snapshot) && snapshot.length <= 40, snapshot)
        const made = world.create(
          { family, region, source: name, name: snapshot, tags: tagsOf(at, { kind, id: name }) },
          at.wall,
        )
        assert.equal(made.name, snapshot, 'the service stores it as it is')
      }),
    )
  })

  it('differ where anything differs that they stand for', () => {
    const base: Occasion = { workspace: 'w', set: 'nightly', slot: 'UTC 2026-01-01T00:00 1', wall: 0 }
    const source = { kind: 'rds-instance', id: 'a', region: 'r' } as const
    const names = [
      snapshotName(base, source),
      ...[{ workspace: 'w2' }, { set: 'weekly' }, { slot: 'UTC 2026-01-01T00:00 2' }].map((more) =>
        snapshotName({ ...base, ...more }, source),
      ),
      ...[{ id: 'b' }, { region: 'r2' }, { kind: 'rds-cluster' as const }].map((more) =>
        snapshotName(base, { ...source, ...more }),
      ),
    ]
    assert.equal(new Set(names).size, names.length)
    assert.notEqual(pointId(base), pointId({ ...base, set: 'weekly' }))
  })
})
