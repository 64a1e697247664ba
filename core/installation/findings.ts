/**
 * One thing to say about an installation. What `failed` makes it unhealthy: it keeps people out, or is an open door.
 * A `warning` does not keep anyone from working.
 */
export interface Finding {
  /** Stable, for scripts. */
  readonly code: FindingCode
  readonly severity: 'failed' | 'warning'
  readonly message: string
  readonly why?: string | undefined
  readonly next?: string | undefined
}

export type FindingCode =
  // the way in
  | 'bastion-missing'
  | 'bastion-stopped'
  | 'agent-offline'
  | 'agent-vulnerable'
  | 'bastion-open'
  | 'bastion-inbound'
  | 'bastion-public'
  | 'bastion-not-replaced'
  | 'several-bastions'
  | 'cluster-missing'
  | 'cluster-inactive'
  | 'cluster-public'
  // the network
  | 'nat-missing'
  | 'nat-single-zone'
  | 'route-broken'
  // data
  | 'datastore-public'
  | 'datastore-unavailable'
  | 'datastore-single-zone'
  | 'datastore-unencrypted'
  | 'datastore-without-backups'
  | 'windows-overlap'
  | 'bucket-public'
  | 'bucket-unversioned'
  // the audit
  | 'trail-missing'
  | 'trail-off'
  // the reading itself
  | 'not-readable'
