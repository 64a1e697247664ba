import type { Ms } from '#core/clock.ts'
import { DEFAULT_KNOBS, type Knobs, type KnobsChange } from './knobs.ts'
import { WORLD, WORLD_NODES } from './world.ts'

export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'terminated'

/** An instance of the account, as EC2 and Systems Manager tell of it. */
export interface WorldInstance {
  readonly instanceId: string
  readonly address: string
  readonly state: InstanceState
  /** Milliseconds since the epoch. */
  readonly launched: Ms
  readonly tags: Readonly<Record<string, string>>
  readonly type: string
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

  /** The instances that exist, in the order in which EC2 lists them. */
  instances(): readonly WorldInstance[] {
    return [...this.#nodes(), ...this.#bastions()]
  }

  /** Whether the agent on `instanceId` may be reached, given that it is connected. */
  mayReachAgent(instanceId: string): boolean {
    if (this.#knobs.agent === 'offline') return false
    if (instanceId === WORLD.replacement.instanceId) return this.#knobs.replacement === 'online'
    return this.isRunning(instanceId)
  }

  isRunning(instanceId: string): boolean {
    return this.instances().some(
      (instance) => instance.instanceId === instanceId && instance.state === 'running',
    )
  }

  #bastions(): WorldInstance[] {
    const { bastion, replacement } = this.#knobs
    const found: WorldInstance[] = []
    if (bastion !== 'missing')
      found.push(
        this.#bastion(WORLD.bastion.instanceId, WORLD.bastion.address, bastion, this.began - 3 * DAY, true),
      )
    if (replacement !== 'none') {
      const { instanceId, address } = WORLD.replacement
      found.push(
        this.#bastion(instanceId, address, 'running', this.began - 2 * MINUTE, replacement === 'online'),
      )
    }
    return found
  }

  #bastion(
    instanceId: string,
    address: string,
    state: InstanceState,
    launched: Ms,
    managed: boolean,
  ): WorldInstance {
    const tags = { ...commonTags(WORLD.bastion.name), 'aws:autoscaling:groupName': WORLD.bastion.name }
    return { instanceId, address, state, launched, tags, type: 't4g.small', managed }
  }

  #nodes(): WorldInstance[] {
    return WORLD_NODES.map(({ instanceId, address }) => ({
      instanceId,
      address,
      state: 'running',
      launched: this.began - 9 * DAY,
      tags: {
        ...commonTags(`${WORLD.workspace}-node`),
        [`kubernetes.io/cluster/${WORLD.cluster.name}`]: 'owned',
        'eks:cluster-name': WORLD.cluster.name,
      },
      type: 'm7g.xlarge',
      managed: false,
    }))
  }
}

function commonTags(name: string): Record<string, string> {
  return { Name: name, Environment: 'enterprise', Organization: WORLD.organization, Creator: 'terraform' }
}
