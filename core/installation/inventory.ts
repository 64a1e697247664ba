import type { Ms } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'

/**
 * What an installation consists of, as far as it could be read.
 *
 * A part that is absent and a part that could not be read are different answers: whatever was refused is listed in
 * `unreadable`, and nothing is concluded from its absence.
 */
export interface Inventory {
  readonly workspace: string
  readonly region: string
  /** Newest first; terminated ones are left out. */
  readonly bastions: readonly Bastion[]
  readonly cluster: Cluster | undefined
  readonly unreadable: readonly Unreadable[]
}

/** The life of a virtual machine; `unread` where the caller may not ask, or need not. */
export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'unread'

export interface Bastion {
  /** The id that a session is started on (`i-…`, or `mi-…` for a machine outside the cloud). */
  readonly id: string
  readonly name: string | undefined
  readonly state: InstanceState
  /** Wall-clock moment of the last start. */
  readonly launchedAt: Ms | undefined
  readonly privateAddress: string | undefined
  readonly publicAddress: string | undefined
  /** The instance profile or role that lets its agent register. */
  readonly role: string | undefined
  readonly agent: AgentStatus
}

/** What the session service knows of a bastion's agent. */
export type AgentStatus =
  | {
      readonly kind: 'registered'
      readonly ping: 'online' | 'connection-lost' | 'inactive'
      /** Wall-clock moment of the last ping. */
      readonly lastPing: Ms | undefined
      readonly version: string | undefined
    }
  | { readonly kind: 'unregistered' }
  | { readonly kind: 'unread' }

export interface Cluster {
  readonly name: string
  /** The API server's host name, the one on its certificate. */
  readonly host: string
  readonly port: number
  /** The API server's certificate authority, PEM. */
  readonly ca: string
  readonly version: string | undefined
  /** The provider's own word, in lower case: `active`, `creating`, `updating`, `failed`… */
  readonly status: string
}

/** The parts that discovery can read, each by an action of its own. */
export type InventoryPart = 'instances' | 'agents' | 'cluster'

/** A part that could not be read, and the action that was refused or failed. */
export interface Unreadable {
  readonly part: InventoryPart
  /** The provider's name of the call, as a policy spells it: `ec2:DescribeInstances`. */
  readonly action: string
  readonly error: PgctlError
}
