import { hash } from 'node:crypto'

/**
 * The name under which the vendor knows an installation: the same on a laptop, a bastion and in a Lambda, and from it
 * nobody reads a customer, an account or a place.
 */
export function installationIdOf(place: {
  readonly cloud: string
  readonly account: string
  readonly workspace: string
}): string {
  const { cloud, account, workspace } = place
  const words = ['pgctl-installation-v1', cloud, account, workspace]
  return `ins-${hash('sha256', words.join('\0'), 'hex').slice(0, 32)}`
}
