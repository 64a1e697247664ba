import type { Ms } from '#core/clock.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'

/** A version of the launch template that the group makes machines of. */
export interface TemplateVersion {
  readonly version: number
  readonly imageId: string
  readonly created: Ms
}

/** A machine that the group has started after the first. */
export interface Launched {
  readonly instanceId: string
  readonly address: string
  readonly launched: Ms
  readonly version: number
  readonly imageId: string
  /** Whether its agent has ever registered. */
  managed: boolean
}

export interface Sizes {
  readonly minimum: number
  readonly maximum: number
  readonly desired: number
}

/** Who is told that a machine comes up or goes; the first machine goes as the others do. */
export interface GroupWatcher {
  launched(machine: Launched): void
  ended(instanceId: string): void
}

const IMAGE = 'ami-0d4c1e2f3a5b69788'
/** As many as a group of a sandbox starts before it takes the first id again. */
const MACHINES = 32

/** The n-th machine that the group of an installation starts after its first: the same from start to start. */
export function machineOf(
  world: Pick<World, 'workspace' | 'bastion'>,
  count: number,
): { instanceId: string; address: string } {
  const number = count % MACHINES
  return {
    instanceId: idOf('i', `${world.workspace}-bastion-${number}`),
    address: world.bastion.address.replace(/\d+$/, String(100 + number)),
  }
}

export function isMachineOf(world: Pick<World, 'workspace' | 'bastion'>, instanceId: string): boolean {
  return Array.from({ length: MACHINES }, (_, number) => machineOf(world, number).instanceId).includes(
    instanceId,
  )
}

/** The Auto Scaling group of an installation's bastion, which starts and ends machines as its sizes say. */
export class BastionGroup {
  readonly #world: World
  readonly #watchers: GroupWatcher[] = []
  sizes: Sizes = { minimum: 1, maximum: 1, desired: 1 }
  tags: Readonly<Record<string, string>>
  /** The version that the next machine is of: a number, or `$Latest`, `$Default`. */
  version = '1'
  readonly versions: TemplateVersion[]
  /** Whether the machine that was there from the beginning still is. */
  hasFirst = true
  machines: Launched[] = []
  #count = 0

  constructor(world: World, began: Ms) {
    this.#world = world
    this.tags = tagsOf(world, world.bastion.name)
    this.versions = [{ version: 1, imageId: IMAGE, created: began }]
  }

  watch(watcher: GroupWatcher): void {
    this.#watchers.push(watcher)
  }

  /** What `$Latest`, `$Default` or a number is; undefined where there is no such version. */
  resolve(version: string): TemplateVersion | undefined {
    const wanted = version === '$Latest' ? this.versions.length : version === '$Default' ? 1 : Number(version)
    return this.versions.find((each) => each.version === wanted)
  }

  addVersion(imageId: string, created: Ms): TemplateVersion {
    const added = { version: this.versions.length + 1, imageId, created }
    this.versions.push(added)
    return added
  }

  resize(sizes: Sizes, now: Ms): void {
    this.sizes = sizes
    this.#settle(now)
  }

  /** Ends a machine of the group, which then starts another if it wants one. Whether it had it. */
  end(instanceId: string, now: Ms): boolean {
    const had = this.#end(instanceId)
    this.#settle(now)
    return had
  }

  #settle(now: Ms): void {
    while (this.#size() > this.sizes.desired)
      this.#end(this.hasFirst ? this.#world.bastion.instanceId : (this.machines[0]?.instanceId ?? ''))
    while (this.#size() < this.sizes.desired) {
      const template = this.resolve(this.version) ?? (this.versions[0] as TemplateVersion)
      const { version, imageId } = template
      const machine = {
        ...machineOf(this.#world, this.#count++),
        launched: now,
        version,
        imageId,
        managed: false,
      }
      this.machines.push(machine)
      for (const watcher of this.#watchers) watcher.launched(machine)
    }
  }

  #size(): number {
    return this.machines.length + (this.hasFirst ? 1 : 0)
  }

  #end(instanceId: string): boolean {
    const isFirst = this.hasFirst && instanceId === this.#world.bastion.instanceId
    if (!isFirst && !this.machines.some((machine) => machine.instanceId === instanceId)) return false
    if (isFirst) this.hasFirst = false
    this.machines = this.machines.filter((machine) => machine.instanceId !== instanceId)
    for (const watcher of this.#watchers) watcher.ended(instanceId)
    return true
  }
}
