import type { Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Installation } from '#core/installation/installation.ts'
import type { Store } from '#core/store.ts'

/**
 * The account pin: an installation says in which account it lives, and nothing but reads is called until the caller
 * is known to be of that account. One request answers that; its answer is remembered for as long as the key is good.
 */

/** Who the cloud says the caller is. */
export interface Identity {
  readonly account: string
  readonly arn: string
}

/** The caller's key, without the key: a digest, and when it ends (undefined: it does not). */
export interface AccessKey {
  readonly digest: string
  readonly expires: Ms | undefined
}

/** Where the caller's identity comes from. Both throw a `PgctlError`. */
export interface IdentityApi {
  key(signal?: AbortSignal): Promise<AccessKey>
  /** Asks the cloud. */
  caller(signal?: AbortSignal): Promise<Identity>
}

/** A key never changes its account, but one without an end is asked about again after a day. */
const ENDLESS_KEY_MEMORY: Ms = 24 * 60 * 60_000

/** An identity as it is remembered, and until when. */
interface RememberedIdentity extends Identity {
  readonly until: Ms
}

/** Passes an identity of the pinned account; the error names both accounts and who the caller is. */
export function checkPin(
  installation: Pick<Installation, 'name' | 'account' | 'profile'>,
  identity: Identity,
): void {
  if (identity.account === installation.account) return
  const { name, account, profile } = installation
  throw new PgctlError(
    'account-mismatch',
    `${name} lives in account ${account}, and these credentials are of ${identity.account}`,
    {
      why: `they are ${identity.arn}`,
      next:
        profile === undefined
          ? `choose credentials of ${account}: --profile, AWS_PROFILE, or "profile:" in the installation's entry`
          : `the profile ${profile} leads to another account: choose one of ${account}, or correct "account:" in the installation's entry`,
    },
  )
}

/** What is remembered, if it still holds. */
function recall(document: unknown, now: Ms): Identity | undefined {
  const { account, arn, until } = Object(document) as Partial<RememberedIdentity>
  const valid =
    typeof account === 'string' && typeof arn === 'string' && typeof until === 'number' && now < until
  return valid ? { account, arn } : undefined
}

/** What to remember of an identity that was asked for with `key`. */
function remember(identity: Identity, key: AccessKey, now: Ms): RememberedIdentity {
  return { ...identity, until: key.expires ?? now + ENDLESS_KEY_MEMORY }
}

/**
 * The caller's identity, which is of the installation's account; asked for once a key, under `identity/DIGEST`.
 * @throws PgctlError `account-mismatch`, or whatever the request failed with.
 */
export async function confirmAccount(
  installation: Pick<Installation, 'name' | 'account' | 'profile'>,
  { api, store, now }: { readonly api: IdentityApi; readonly store: Store; readonly now: Ms },
  signal?: AbortSignal,
): Promise<Identity> {
  const key = await api.key(signal)
  const place = `identity/${key.digest}`
  const known = recall(await readRemembered(store, place), now)
  const identity = known ?? (await api.caller(signal))
  checkPin(installation, identity)
  if (known === undefined) await writeRemembered(store, place, remember(identity, key, now))
  return identity
}

/** A memory that cannot be read is no memory: the request is made again, and its answer written over it. */
async function readRemembered(store: Store, place: string): Promise<unknown> {
  try {
    return (await store.read(place))?.value
  } catch (error) {
    if (isPgctlError(error, 'state-invalid')) return undefined
    throw error
  }
}

/** A computer that cannot remember asks again the next time: no reason to fail now. */
async function writeRemembered(store: Store, place: string, document: RememberedIdentity): Promise<void> {
  try {
    await store.write(place, document)
  } catch (error) {
    if (!isPgctlError(error, 'state-invalid') && !isPgctlError(error, 'state-conflict')) throw error
  }
}
