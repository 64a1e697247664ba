import { randomBytes } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import type { AccessFault } from './aws-error.ts'
import type { WireRequest } from './http-message.ts'
import { type AccessKey, type Identity, identityOf, makeAccessKey, type Principal } from './identity.ts'
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

type Session = Extract<Principal, { kind: 'session' }>

/** How long a session's key is still told from one that never was. */
const REMEMBERED: Ms = 60 * 60_000

/** Knows the keys of one sandbox and tells whose signature a request carries. */
export class Authenticator {
  readonly #state: WorldState
  readonly #principals: Map<string, Principal>
  readonly #sessions = new Map<string, Session>()

  constructor(state: WorldState, principals: readonly Principal[]) {
    this.#state = state
    this.#principals = new Map(principals.map((principal) => [principal.key.accessKeyId, principal]))
  }

  /** A fresh key of a machine that was not there from the beginning. */
  admit(instanceId: string): AccessKey {
    const key = makeAccessKey()
    this.#principals.set(key.accessKeyId, { kind: 'instance', key, instanceId })
    return key
  }

  /** Fresh credentials of a role, good from `now` (wall time) for `lifetime`. */
  openSession(roleArn: string, sessionName: string, now: Ms, lifetime: Ms): Session {
    for (const [id, { expires }] of this.#sessions) if (expires + REMEMBERED < now) this.#sessions.delete(id)
    const session: Session = {
      kind: 'session',
      key: makeAccessKey('ASIA'),
      token: randomBytes(192).toString('base64'),
      expires: now + lifetime,
      roleArn,
      sessionName,
    }
    this.#sessions.set(session.key.accessKeyId, session)
    return session
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
    const principal = this.#principals.get(claim.accessKeyId) ?? this.#sessions.get(claim.accessKeyId)
    // The token belongs to the key: one that is missing, another's, or given with a long-lived key is a mistake.
    if (principal === undefined || claim.sessionToken !== tokenOf(principal))
      return refused('unknown-key', 'The security token included in the request is invalid.')
    const misplaced = misplacedScope(claim, services)
    if (misplaced !== undefined) return refused('mismatch', misplaced)
    const fault = checkClaim(claim, request, principal.key.secretAccessKey, now)
    if (fault !== undefined) return refused(fault.kind, fault.message)
    if (!hasDeclaredDigest(request))
      return refused('mismatch', "The value of 'x-amz-content-sha256' is not the digest of the body.")
    if (this.#hasExpired(principal, now))
      return refused('credentials-expired', 'The security token included in the request is expired')
    return { ok: true, principal, caller: identityOf(principal, this.#state.knobs.account), claim }
  }

  #hasExpired(principal: Principal, now: Ms): boolean {
    if (principal.kind === 'instance') return false
    if (principal.kind === 'session' && principal.expires <= now) return true
    return this.#state.knobs.credentials === 'expired'
  }
}

function tokenOf(principal: Principal): string | undefined {
  return principal.kind === 'session' ? principal.token : undefined
}

function refused(fault: AccessFault, message: string): Authentication {
  return { ok: false, fault, message }
}

function misplacedScope({ scope }: SignatureClaim, services: readonly string[]): string | undefined {
  if (!services.includes(scope.service))
    return `Credential should be scoped to correct service: '${services.join("' or '")}'.`
  if (!WORLDS.some(({ region }) => region === scope.region))
    return `Credential should be scoped to a valid region, not '${scope.region}'.`
  return undefined
}
