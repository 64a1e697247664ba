import type { Ms } from '#core/clock.ts'
import type { Login } from '#core/datastores/login.ts'
import { type ErrorCode, PgctlError } from '#core/errors.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import type { DatastoreRequest, OpenRequest } from '#core/tunnel/control/requests.ts'
import type { Cause, TunnelEvent } from '#core/tunnel/events.ts'
import type { DatastoreFacts } from '../find-datastore.ts'

/**
 * Between the supervisor and its holders: threads, one for each person's environment, since the clients of a cloud
 * read credentials and endpoints from the environment of whoever runs them.
 */

/** On whose behalf, where tunnels of theirs are there already. */
type Whence = Pick<OpenRequest, 'folder' | 'flags'> & { readonly who: string }

/** What a holder does, and what comes of it. */
export interface HolderCalls {
  /** Opens tunnels, of which the supervisor knows the numbers: one for each word. */
  open: {
    asks: Omit<OpenRequest, 'request' | 'environment'> & { readonly ids: readonly number[] }
    answers: { readonly failures: readonly Cause[] }
  }
  /** Opens the session of a lazy tunnel, if it has none. */
  wake: { asks: { readonly id: number }; answers: undefined }
  close: { asks: { readonly id: number; readonly within: Ms }; answers: undefined }
  /** What a program needs to use the cluster beside a way to it. */
  cluster: {
    asks: Whence
    answers: ClusterFacts
  }
  /** Which datastore is meant, and where it is. */
  find: { asks: Whence & Pick<DatastoreRequest, 'engine' | 'name' | 'reader'>; answers: DatastoreFacts }
  /** Opens a lazy tunnel to a datastore, or to a node of it. */
  openTo: {
    asks: Whence &
      Pick<DatastoreRequest, 'idleMs' | 'node'> & { readonly id: number; readonly store: Datastore }
    answers: undefined
  }
  /** What the client of a datastore enters it by, and what a person is to know of that. */
  login: {
    asks: Whence &
      Pick<DatastoreRequest, 'credentials' | 'user'> & {
        readonly facts: DatastoreFacts
        readonly cluster: ClusterReach
      }
    answers: { readonly login: Login | undefined; readonly notices: readonly string[] }
  }
}

/** Where the shared way to the cluster listens, or why there is none; undefined where none is needed. */
export type ClusterReach = { readonly server: string } | { readonly failure: Cause } | undefined

export interface ClusterFacts {
  readonly host: string
  readonly ca: string
  readonly namespace: string
  readonly token: { readonly value: string; readonly expires: Ms }
}

export type HolderCall = {
  [Name in keyof HolderCalls]: {
    readonly call: number
    readonly name: Name
    readonly asks: HolderCalls[Name]['asks']
  }
}[keyof HolderCalls]

/** To a holder: a call, or that whoever made one has gone away. */
export type ToHolder = HolderCall | { readonly abort: number }

export type FromHolder =
  | { readonly tunnel: number; readonly event: TunnelEvent }
  | { readonly reply: number; readonly answer: unknown }
  | { readonly reply: number; readonly error: Cause }

/** How a holder is started. */
export interface HolderStart {
  readonly version: string
  readonly root: string
  /** The authorities that the process itself already trusts. */
  readonly trusts: string | undefined
}

/** A failure as it was before it became a message. */
export function errorOf({ code, message, ...detail }: Cause): PgctlError {
  return new PgctlError(code as ErrorCode, message, detail)
}
