import type { Ms } from '#core/clock.ts'
import { AccessEntries } from './aws/access-entries.ts'
import { BastionGroup } from './bastion-group.ts'
import { DEFAULT_KNOBS, type Knobs, type KnobsChange } from './knobs.ts'
import { WORLD, WORLDS } from './world.ts'
import { idOf } from './worlds/ids.ts'
import { tagsOf, type World } from './worlds/installation.ts'
import type { ElasticAddress, GroupPurpose } from './worlds/network.ts'

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'terminated'

/** An instance of the account, as EC2 and Systems Manager tell of it. */
export interface WorldInstance {
  readonly instanceId: string
  readonly address: string
  readonly publicAddress: string | undefined
  /** The security group that it is in. */
  readonly purpose: Extract<GroupPurpose, 'bastion' | 'cluster'>
  readonly state: InstanceState
  /** Milliseconds since the epoch. */
  readonly launched: Ms
  readonly tags: Readonly<Record<string, string>>
  readonly type: string
  readonly imageId: string
  /** The version of the launch template that it was made of. */
  readonly version: number
  /** Whether its agent has ever registered, so that Systems Manager knows it. */
  readonly managed: boolean
}

const DAY: Ms = 24 * 60 * 60 * 1000
const MINUTE: Ms = 60 * 1000

/** The part of the world that changes while it runs: the knobs, and what follows from them. */
export class WorldState {
  /** When this world began, wall time; everything older is told relative to it. */
  readonly began: Ms
  #knobs: Knobs = DEFAULT_KNOBS
  readonly #groups = new Map<string, BastionGroup>()
  readonly #access = new Map<string, AccessEntries>()
  #onChange: Array<(knobs: Knobs) => void> = []

  constructor(began: Ms) {
    this.began = began
  }

  get knobs(): Knobs {
    return this.#knobs
  }

  /** Turns some knobs; the others stay. */
  turn(change: KnobsChange): Knobs {
    const given = Object.entries(change).filter(([, value]) => value !== undefined)
    const { access = this.#knobs.access } = change
    if (access !== this.#knobs.access) this.accessOf(WORLD).giveOperator(access, this.began)
    this.#knobs = { ...this.#knobs, ...Object.fromEntries(given) }
    for (const listener of this.#onChange) listener(this.#knobs)
    return this.#knobs
  }

  /** Calls `listener` after every turn. */
  onChange(listener: (knobs: Knobs) => void): void {
    this.#onChange.push(listener)
  }

  /** Whether this call of `action` is one of those to throttle; counts it if so. */
  takeThrottle(action: string): boolean {
    const { throttle } = this.#knobs
    const key = [action, '*'].find((name) => (throttle[name] ?? 0) > 0)
    if (key === undefined) return false
    this.#knobs = { ...this.#knobs, throttle: { ...throttle, [key]: (throttle[key] ?? 0) - 1 } }
    return true
  }

  /** The instances of an installation, in the order in which EC2 lists them. */
  instances(world: World): readonly WorldInstance[] {
    return [...this.#nodes(world), ...this.#bastions(world)]
  }

  /** The Auto Scaling group of an installation's bastion. */
  groupOf(world: World): BastionGroup {
    const known = this.#groups.get(world.workspace)
    if (known !== undefined) return known
    const group = new BastionGroup(world, this.began - 3 * DAY)
    this.#groups.set(world.workspace, group)
    return group
  }

  /** Who may come into an installation's cluster. */
  accessOf(world: World): AccessEntries {
    const known = this.#access.get(world.workspace)
    if (known !== undefined) return known
    const entries = new AccessEntries(world, this.began - 90 * DAY)
    this.#access.set(world.workspace, entries)
    return entries
  }

  /** The knobs turn the first installation; the others stay in good order. */
  knobsOf(world: World): Knobs {
    return world.account === WORLD.account ? this.#knobs : DEFAULT_KNOBS
  }

  /** Whether the knobs have opened a part of an installation to everybody. */
  isExposed(world: World, part: Knobs['exposed'][number]): boolean {
    return this.knobsOf(world).exposed.includes(part)
  }

  /** The address that an exposed bastion has. */
  bastionAddresses(world: World): Array<ElasticAddress & { readonly instanceId: string }> {
    if (!this.isExposed(world, 'bastion-address')) return []
    const { instanceId, name } = world.bastion
    return [
      {
        allocationId: idOf('eipalloc', name),
        associationId: idOf('eipassoc', name),
        tags: tagsOf(world, name),
        address: BASTION_ADDRESS,
        interfaceId: idOf('eni', instanceId),
        instanceId,
      },
    ]
  }

  /** Whether the agent on `instanceId` may be reached, given that it is connected. */
  mayReachAgent(instanceId: string): boolean {
    if (this.#knobs.agent === 'offline') return false
    if (instanceId === WORLD.replacement.instanceId) return this.#knobs.replacement === 'online'
    return this.isRunning(instanceId)
  }

  isRunning(instanceId: string): boolean {
    return WORLDS.flatMap((world) => this.instances(world)).some(
      (instance) => instance.instanceId === instanceId && instance.state === 'running',
    )
  }

  #bastions(world: World): WorldInstance[] {
    const { bastion, replacement } = this.knobsOf(world)
    const group = this.groupOf(world)
    const found: WorldInstance[] = []
    if (bastion !== 'missing' && group.hasFirst) {
      const publicAddress = this.isExposed(world, 'bastion-address') ? BASTION_ADDRESS : undefined
      const first = { ...world.bastion, launched: this.began - 3 * DAY, managed: true }
      found.push({ ...this.#bastion(world, first, bastion), publicAddress })
    }
    for (const machine of group.machines) found.push(this.#bastion(world, machine, 'running'))
    if (replacement !== 'none') {
      const managed = replacement === 'online'
      const next = { ...world.replacement, launched: this.began - 2 * MINUTE, managed }
      found.push(this.#bastion(world, next, 'running'))
    }
    return found
  }

  #bastion(
    world: World,
    machine: Pick<WorldInstance, 'instanceId' | 'address' | 'launched' | 'managed'> &
      Partial<Pick<WorldInstance, 'version' | 'imageId'>>,
    state: InstanceState,
  ): WorldInstance {
    const { instanceId, address, launched, managed, version = 1 } = machine
    const { name } = world.bastion
    return {
      instanceId,
      address,
      publicAddress: undefined,
      purpose: 'bastion',
      state,
      launched,
      tags: { ...tagsOf(world, name), 'aws:autoscaling:groupName': name },
      type: 't4g.small',
      imageId: machine.imageId ?? IMAGE,
      version,
      managed,
    }
  }

  #nodes(world: World): WorldInstance[] {
    return world.nodes.map(({ instanceId, address }) => ({
      instanceId,
      address,
      publicAddress: undefined,
      purpose: 'cluster',
      state: 'running',
      launched: this.began - 9 * DAY,
      tags: {
        ...tagsOf(world, `${world.workspace}-node`),
        [`kubernetes.io/cluster/${world.cluster.name}`]: 'owned',
        'eks:cluster-name': world.cluster.name,
      },
      type: 'm7g.xlarge',
      imageId: IMAGE,
      version: 1,
      managed: false,
    }))
  }
}

const IMAGE = 'ami-0d4c1e2f3a5b69788'

/** Of the range that is set aside for documentation: it leads nowhere. */
const BASTION_ADDRESS = '198.51.100.24'
