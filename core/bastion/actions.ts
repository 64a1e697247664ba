import type { GroupSizes } from './control.ts'
import type { LifeState } from './life-state.ts'

/**
 * One thing to be done, and why; nothing is ever done without a reason that a person can read. `unlessUsed`: only if
 * nobody has come in since the look.
 */
export type LifeAction = { readonly why: string } & (
  | {
      readonly kind: 'resize'
      readonly sizes: GroupSizes
      readonly remember: GroupSizes | undefined
      readonly unlessUsed: boolean
    }
  | { readonly kind: 'use-template'; readonly version: string }
  | { readonly kind: 'replace'; readonly machine: string; readonly unlessUsed: boolean }
  | { readonly kind: 'warn-session'; readonly session: string }
  | { readonly kind: 'end-session'; readonly session: string }
  | {
      readonly kind: 'revoke'
      readonly elevation: string
      readonly principal: string
      readonly policy: string
    }
)

/** How a bastion is, in one word and one sentence. */
export interface LifeVerdict {
  readonly kind:
    | 'missing'
    | 'stopped'
    | 'starting'
    | 'failed'
    | 'busy'
    | 'stuck'
    | 'idle'
    | 'stopping'
    | 'replacing'
  readonly says: string
  /** When it will be stopped if nobody uses it; undefined where it will not. */
  readonly stopsIn?: number
  /** Whether a newer image than its own is there. */
  readonly stale: boolean
}

export interface Decision {
  readonly state: LifeState
  readonly actions: readonly LifeAction[]
  readonly verdict: LifeVerdict
}

/** An action in a few words, for logs, history and status. */
export function describeAction(action: LifeAction): string {
  switch (action.kind) {
    case 'resize':
      return action.sizes.desired === 0 ? 'stop' : 'start'
    case 'use-template':
      return `go back to version ${action.version} of the launch template`
    case 'replace':
      return `replace ${action.machine}`
    case 'warn-session':
      return `warn ${action.session}`
    case 'end-session':
      return `end ${action.session}`
    case 'revoke':
      return `take ${action.policy} from ${action.principal}`
  }
}
