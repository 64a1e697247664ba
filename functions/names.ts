/**
 * The names that the functions' code and `serverless.yml` share; a test compares the two. Variables hold references and
 * ids, never a secret.
 */
export const VARIABLES = {
  /** The vendor's name of the installation. */
  installation: 'PGCTL_INSTALLATION_ID',
  /** The table of documents: the license's record and the ledger. */
  table: 'PGCTL_STATE_TABLE',
  /** Where the verdict is put, for the cluster and the bastion to pull. */
  parameter: 'PGCTL_LICENSE_PARAMETER',
  /** The secret that holds the license key, by its ARN, and the field of it where it is a JSON object. */
  licenseSecret: 'PGCTL_LICENSE_SECRET',
  licenseSecretField: 'PGCTL_LICENSE_SECRET_FIELD',
  /** The key that signs how far the ledger has come, and the bucket that keeps what it signed. */
  signingKey: 'PGCTL_SIGNING_KEY',
  checkpointBucket: 'PGCTL_CHECKPOINT_BUCKET',
} as const

/** Those of the function that makes and keeps snapshots. */
export const SNAPSHOT_VARIABLES = {
  workspace: 'PGCTL_WORKSPACE',
  /** The names of the product's datastores: a file of `profiles/`. */
  product: 'PGCTL_PRODUCT',
  /** The table of what was written down of snapshots. */
  table: 'PGCTL_SNAPSHOT_TABLE',
  /** The parameter that holds the policy's text. */
  policy: 'PGCTL_SNAPSHOT_POLICY_PARAMETER',
  /** The role that may delete our snapshots. */
  deleteRole: 'PGCTL_SNAPSHOT_DELETE_ROLE',
} as const

/** Those of the function that looks after the bastion. */
export const BASTION_VARIABLES = {
  workspace: 'PGCTL_WORKSPACE',
  /** The names of the product's parts: a file of `profiles/`. */
  product: 'PGCTL_PRODUCT',
  /** The table of documents, for what is written down of the bastion. */
  table: 'PGCTL_STATE_TABLE',
  /** After how many minutes without use it is stopped; 0 never stops it. */
  idleMinutes: 'PGCTL_BASTION_IDLE_MINUTES',
  /** At which hours it must be up; empty at none. */
  hours: 'PGCTL_BASTION_HOURS',
} as const

/** Of the metrics; the alarms of the template look for them there. */
export const METRICS_NAMESPACE = 'pgctl'
/** The one dimension of every metric. */
export const METRICS_DIMENSION = 'Function'
