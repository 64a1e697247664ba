import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { messageOf } from '#core/errors.ts'
import type { Logger } from '#core/logger.ts'
import type { Agent } from './agent/io/agent.ts'
import type { BastionGroup, Launched } from './bastion-group.ts'
import type { Knobs } from './knobs.ts'

/** How long a machine of a sandbox starts until its agent opens its control channel. */
const BOOT: Ms = 300

export interface GroupAgentsOptions {
  readonly clock: Clock
  readonly knobs: () => Knobs
  readonly logger: Logger
  readonly start: (instanceId: string) => Promise<Agent>
}

/** The agents of a group's machines: they come up after a machine has started, and go with it. */
export class GroupAgents implements AsyncDisposable {
  readonly #options: GroupAgentsOptions
  readonly #agents = new Map<string, { end: AbortController; agent: Promise<Agent | undefined> }>()

  constructor(group: BastionGroup, options: GroupAgentsOptions) {
    this.#options = options
    group.watch({
      launched: (machine) => this.#boot(machine),
      ended: (instanceId) => void this.#end(instanceId),
    })
  }

  /** The agent of the machine that was there from the beginning. */
  adopt(instanceId: string, agent: Agent): void {
    this.#agents.set(instanceId, { end: new AbortController(), agent: Promise.resolve(agent) })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#agents.keys()].map((instanceId) => this.#end(instanceId)))
  }

  #boot(machine: Launched): void {
    const { clock, knobs, logger, start } = this.#options
    const end = new AbortController()
    const boot = async () => {
      await sleep(clock, BOOT, end.signal)
      if (knobs().boot === 'silent') return undefined
      const agent = await start(machine.instanceId)
      machine.managed = true
      return agent
    }
    const agent = boot().catch((error: unknown) => {
      if (!end.signal.aborted) logger.warn({ why: messageOf(error) }, 'an agent did not come up')
      return undefined
    })
    this.#agents.set(machine.instanceId, { end, agent })
  }

  async #end(instanceId: string): Promise<void> {
    const running = this.#agents.get(instanceId)
    this.#agents.delete(instanceId)
    running?.end.abort(new Error('the machine has ended'))
    await (await running?.agent)?.[Symbol.asyncDispose]()
  }
}
