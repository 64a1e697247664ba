/** A bucket of objects. What is undefined could not be read. */
export interface Bucket {
  /** What the product calls it: `app`. */
  readonly name: string
  readonly id: string
  readonly region: string | undefined
  readonly versioning: 'on' | 'suspended' | 'off' | undefined
  /**
   * Days after which a version that is no longer current is deleted, wherever in the bucket it is: the horizon of
   * every return to an earlier state. `never`: no rule says so.
   */
  readonly noncurrentDays: number | 'never' | undefined
  /** Whether a policy or an access list lets everybody read. */
  readonly public: boolean | undefined
  /** Whether it is meant to be public. */
  readonly meantPublic: boolean
  /** Whether it is meant to keep versions. */
  readonly meantVersioned: boolean
}

/** A bucket to look for. */
export interface BucketName {
  readonly name: string
  readonly id: string
  readonly public: boolean
  readonly versioned: boolean
}
