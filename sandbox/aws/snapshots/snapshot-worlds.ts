import type { Ms } from '#core/clock.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { Call } from '../service.ts'
import { RestoredWorld } from './restored-world.ts'
import { type SnapshotRules, SnapshotWorld } from './snapshot-world.ts'

/** The snapshots of each account, with the datastores of the sandbox's installations as their sources. */
export class SnapshotWorlds {
  /** How far the time of snapshots is ahead of the sandbox's: what takes minutes need not be waited for. */
  ahead: Ms = 0
  readonly #worlds = new Map<string, SnapshotWorld>()
  readonly #restored = new Map<string, RestoredWorld>()
  readonly #rules: Partial<SnapshotRules>

  constructor(rules: Partial<SnapshotRules> = {}) {
    this.#rules = rules
  }

  of({ caller }: Pick<Call, 'caller'>): SnapshotWorld {
    return this.ofAccount(caller.account)
  }

  /** What was made from snapshots in the caller's account. */
  restoredOf({ caller }: { readonly caller: Pick<Call['caller'], 'account'> }): RestoredWorld {
    const known = this.#restored.get(caller.account)
    if (known !== undefined) return known
    const made = new RestoredWorld()
    this.#restored.set(caller.account, made)
    return made
  }

  now({ now }: Pick<Call, 'now'>): Ms {
    return now.wall + this.ahead
  }

  ofAccount(account: string): SnapshotWorld {
    const known = this.#worlds.get(account)
    if (known !== undefined) return known
    const made = new SnapshotWorld(this.#rules)
    this.#worlds.set(account, made)
    for (const { region, databases, caches, kmsKeyArn } of WORLDS.filter(
      (each) => each.account === account,
    )) {
      for (const { id } of databases)
        made.addSource({ family: 'db', region, id, status: 'available', kmsKeyId: kmsKeyArn })
      for (const { id, kind } of caches)
        made.addSource({
          family: 'cache',
          region,
          id,
          status: 'available',
          kmsKeyId: undefined,
          clusterMode: kind === 'group',
        })
    }
    return made
  }
}
