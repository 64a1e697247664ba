/** Names that the functions, the commands, the bastion and the templates share; a test compares them. */

/** The document with what is written down of a bastion, in the table of the functions. */
export function lifeKey(workspace: string): string {
  return `bastion/${workspace}/life`
}

/** The document in which the bastion itself says what it does; it may write no other. */
export function activityKey(workspace: string): string {
  return `bastion-activity/${workspace}`
}

/** Of the stack with the group and all that belongs to it. */
export function bastionStackName(workspace: string): string {
  return `${workspace}-pgctl-bastion`
}

/** The group's tag with the sizes that it had before it was set to 0: `MINIMUM/MAXIMUM/DESIRED`. */
export const SIZES_TAG = 'pgctl:sizes'
