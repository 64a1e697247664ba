import { readFileSync } from 'node:fs'
import { type BastionDescription, parseBastionDescription } from '#core/installation/bastion-description.ts'

const PLACE = '/etc/pgctl/installation.yaml'

/** What this machine is told of the installation that it is the bastion of; undefined where it is none. */
export function readDescription(environment: NodeJS.ProcessEnv): BastionDescription | undefined {
  const path = environment['PGCTL_BASTION'] || PLACE
  try {
    return parseBastionDescription(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
