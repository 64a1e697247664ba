import type { Ms } from '#core/clock.ts'
import type { AgentStatus, InstanceState } from '#core/installation/inventory.ts'

/** What the life of a bastion needs of a cloud: its group, its machines and the sessions on them. */

/** How many machines a group keeps. */
export interface GroupSizes {
  readonly minimum: number
  readonly maximum: number
  readonly desired: number
}

/** One machine of the group. */
export interface Machine {
  readonly id: string
  readonly state: InstanceState
  /** Wall-clock moment of its start. */
  readonly launchedAt: Ms | undefined
  /** The version of the launch template that it was made of. */
  readonly template: string | undefined
  readonly imageId: string | undefined
  readonly agent: AgentStatus
}

/** The group that keeps the bastion running. */
export interface BastionGroup {
  readonly name: string
  readonly sizes: GroupSizes
  /** What the sizes were before somebody of ours set them to 0; undefined where nobody has. */
  readonly remembered: GroupSizes | undefined
  /** The version of the launch template that the next machine is made of, as a number. */
  readonly template: string | undefined
  /** The newest first; those that are gone, or are going, are left out. */
  readonly machines: readonly Machine[]
}

/** The newest whose agent answers, else the newest: during a refresh there may be two. */
export function currentOf({ machines }: BastionGroup): Machine | undefined {
  return machines.find(isOnline) ?? machines[0]
}

export function isOnline({ agent }: Machine): boolean {
  return agent.kind === 'registered' && agent.ping === 'online'
}

/** The image that machines are made of. */
export interface BastionImage {
  readonly id: string
  /** Undefined where it cannot be seen, or is gone. */
  readonly createdAt: Ms | undefined
}

/** Everything throws a `PgctlError`. */
export interface BastionControl {
  /** Undefined where there is no such group. */
  look(signal?: AbortSignal): Promise<BastionGroup | undefined>
  /** The image of the next machine; undefined where the group has no launch template. */
  image(signal?: AbortSignal): Promise<BastionImage | undefined>
  /** Sets the sizes; `remember` is what they were, kept with the group until they are back. */
  resize(sizes: GroupSizes, remember: GroupSizes | undefined, signal?: AbortSignal): Promise<void>
  /** Makes the next machine of this version of the launch template. */
  useTemplate(version: string, signal?: AbortSignal): Promise<void>
  /** Ends a machine, for which the group then starts another. */
  replace(machine: string, signal?: AbortSignal): Promise<void>
}

/** A session that has not ended. */
export interface SessionRecord {
  readonly id: string
  /** Whose it is: the ARN of who started it. */
  readonly owner: string
  readonly machine: string
  readonly startedAt: Ms | undefined
  /** `disconnected`: its client is gone, and may come back. */
  readonly status: 'connected' | 'disconnected'
  readonly reason: string | undefined
}

export interface SessionRecords {
  /** The sessions on a machine that have not ended. */
  active(machine: string, signal?: AbortSignal): Promise<SessionRecord[]>
  /** Ends one for good; nothing happens where it has ended already. */
  end(session: string, signal?: AbortSignal): Promise<void>
}

/** Rights in a cluster beyond those that somebody has for good. */
export interface ElevationApi {
  grant(principal: string, policy: string, signal?: AbortSignal): Promise<void>
  /** Nothing happens where it is gone already. */
  revoke(principal: string, policy: string, signal?: AbortSignal): Promise<void>
}
