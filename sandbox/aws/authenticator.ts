import type { Ms } from '#core/clock.ts'
import { WORLD } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { AccessFault } from './aws-error.ts'
import type { WireRequest } from './http-message.ts'
import { type Identity, identityOf, type Principal } from './identity.ts'
import { checkClaim, hasDeclaredDigest, isFault, readClaim, type SignatureClaim } from './signature.ts'

/** Who signed a request, or why that cannot be said. */
export type Authentication =
  | {
      readonly ok: true
      readonly principal: Principal
      readonly caller: Identity
      readonly claim: SignatureClaim
    }
  | { readonly ok: false; readonly fault: AccessFault; readonly message: string }

/** Knows the keys of one sandbox and tells whose signature a request carries. */
export class Authenticator {
  readonly #state: WorldState
  readonly #principals: ReadonlyMap<string, Principal>

  constructor(state: WorldState, principals: readonly Principal[]) {
    this.#state = state
    this.#principals = new Map(principals.map((principal) => [principal.key.accessKeyId, principal]))
  }

  /** Whether the request bears the key of a bastion, rightly or not. */
  isInstance(request: WireRequest): boolean {
    const claim = readClaim(request)
    return !isFault(claim) && this.#principals.get(claim.accessKeyId)?.kind === 'instance'
  }

  /** Checks the signature of `request` at `now` (wall time), which must be for one of `services`. */
  authenticate(request: WireRequest, services: readonly string[], now: Ms): Authentication {
    const claim = readClaim(request)
    if (isFault(claim)) return { ok: false, fault: claim.kind, message: claim.message }
    const principal = this.#principals.get(claim.accessKeyId)
    // No key of the sandbox is a temporary one, so that a token along with it is a mistake too.
    if (principal === undefined || claim.sessionToken !== undefined)
      return refused('unknown-key', 'The security token included in the request is invalid.')
    const misplaced = misplacedScope(claim, services)
    if (misplaced !== undefined) return refused('mismatch', misplaced)
    const fault = checkClaim(claim, request, principal.key.secretAccessKey, now)
    if (fault !== undefined) return refused(fault.kind, fault.message)
    if (!hasDeclaredDigest(request))
      return refused('mismatch', "The value of 'x-amz-content-sha256' is not the digest of the body.")
    const { credentials, account } = this.#state.knobs
    if (principal.kind === 'operator' && credentials === 'expired')
      return refused('credentials-expired', 'The security token included in the request is expired')
    return { ok: true, principal, caller: identityOf(principal, account), claim }
  }
}

function refused(fault: AccessFault, message: string): Authentication {
  return { ok: false, fault, message }
}

function misplacedScope({ scope }: SignatureClaim, services: readonly string[]): string | undefined {
  if (!services.includes(scope.service))
    return `Credential should be scoped to correct service: '${services.join("' or '")}'.`
  if (scope.region !== WORLD.region)
    return `Credential should be scoped to a valid region, not '${scope.region}'.`
  return undefined
}
