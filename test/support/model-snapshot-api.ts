import { refusalReason } from '#core/aws/snapshot-refusals.ts'
import type { Ms } from '#core/clock.ts'
import type { Snapshot } from '#core/snapshots/snapshot.ts'
import type { Outcome, SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { AwsError } from '#sandbox/aws/aws-error.ts'
import type { Family, SnapshotWorld } from '#sandbox/aws/snapshots/snapshot-world.ts'

const FAMILY = {
  'rds-instances': 'db',
  'rds-clusters': 'db-cluster',
  caches: 'cache',
} as const satisfies Record<string, Family>

/** The port over the model of AWS itself, without a wire: for tests that run it thousands of times. */
export function modelSnapshotApi(world: SnapshotWorld, now: () => Ms): SnapshotApi {
  return {
    async list(shelf, region, { tags }) {
      const snapshots = world.list(FAMILY[shelf], region, now()).map(
        (each): Snapshot => ({
          ...{ shelf, region, name: each.name, source: each.source, manual: each.manual },
          arn: shelf === 'caches' ? undefined : `arn:aws:rds:${region}:111122223333:snapshot:${each.name}`,
          state: world.stateOf(each, now()) === 'available' ? 'available' : 'pending',
          // The listing of caches does not tell them.
          ...{ takenAt: each.takenAt, tags: tags || shelf !== 'caches' ? each.tags : undefined },
          key: each.kmsKeyId,
        }),
      )
      return { shelf, region, snapshots, missing: undefined }
    },
    create: async ({ shelf, source, name, tags }) =>
      attempt(() =>
        world.create(
          { family: FAMILY[shelf], region: source.region, source: source.id, name, tags: { ...tags } },
          now(),
        ),
      ),
    copy: async ({ shelf, source, region, name, key, tags }) =>
      attempt(() => {
        const family = FAMILY[shelf] === 'db' ? 'db' : 'db-cluster'
        const from = { region: source.region, name }
        world.copy({ family, region, from, name, kmsKeyId: key, tags: { ...tags } }, now())
      }),
    tag: async () => {
      throw new Error('no run changes tags')
    },
    remove: async ({ shelf, region, name }) =>
      attempt(() => world.remove(FAMILY[shelf], region, name, now())),
  }
}

function attempt(action: () => unknown): Outcome {
  try {
    action()
    return { kind: 'accepted' }
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    const { code, message } = error
    return { kind: 'refused', refusal: { reason: refusalReason(code, message), says: message } }
  }
}
