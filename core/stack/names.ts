/** The names that the stack of an installation gives to what it makes; a test compares them with the template. */

export function stackName(workspace: string): string {
  return `${workspace}-pgctl`
}

export function tableName(workspace: string): string {
  return `${workspace}-pgctl-state`
}

/** Of the key that signs how far the ledger has come. */
export function signingAlias(workspace: string): string {
  return `alias/${workspace}-pgctl-ledger`
}

/** Of the bucket that keeps every checkpoint. */
export function checkpointBucket(workspace: string): string {
  return `${workspace}-pgctl-checkpoints`
}

/** Of the parameter with the document and the verdict, which cluster and bastion pull. */
export function licenseParameter(workspace: string): string {
  return `/pgctl/${workspace}/license`
}

/** Where the function that makes snapshots looks for its policy, and `pgctl snapshots policy --set` puts it. */
export function snapshotPolicyParameter(workspace: string): string {
  return `/pgctl/${workspace}/snapshot-policy`
}

/** Of the function that verifies the license. */
export function licenseFunction(workspace: string): string {
  return `${workspace}-license-verify`
}
