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

/** The id of the license that a key is for: the key is a password of the product, and is told to nobody. */
export function licenseIdOf(key: string): string {
  return `lic-${hash('sha256', `pgctl-license-id-v1\0${key}`, 'hex').slice(0, 32)}`
}
