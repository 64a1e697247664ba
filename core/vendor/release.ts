/**
 * The vendor that this release belongs to: where it is asked, and whose signatures count. It is part of the program: no
 * flag, variable or file names another vendor, so that a changed file on disk cannot make a license.
 */
export interface VendorRelease {
  /** The product that licenses are for. */
  readonly product: string
  /** The one address that anything is sent to: https, a host and at most a port. */
  readonly url: string
  /** The offline root, which signs lists of keys and nothing else. */
  readonly roots: readonly ReleasedKey[]
  /** Every key that ever signed documents: one that is retired stays, as what it signed in its time is good. */
  readonly keys: readonly (ReleasedKey & {
    /** ISO dates: documents that it signed are issued from the first on, and before the second. */
    readonly notBefore: string
    readonly notAfter: string
  })[]
}

export interface ReleasedKey {
  readonly kid: string
  /** The 32 bytes of the Ed25519 key, in base64url. */
  readonly key: string
}

/**
 * Undefined in the open sources, which belong to no vendor: then nothing is verified and nothing can be sent. A vendor
 * puts its own here (docs/vendor-api.md, "A release").
 */
export const RELEASE = undefined as VendorRelease | undefined
