import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Installation } from '#core/installation/installation.ts'
import {
  INSTALLATION_FILE,
  type InstallationFile,
  parseInstallationFile,
} from '#core/installation/installation-file.ts'

/** The variable that names the file with which a login shell asks its operator. */
export const OPERATOR_SESSION = 'PGCTL_OPERATOR_SESSION'

export interface OwnInstallation {
  readonly path: string
  readonly installation: InstallationFile
}

/**
 * The installation that this machine is the bastion of; undefined on every other machine.
 * @throws PgctlError `config-invalid` for a file that does not say it.
 */
export function readOwnInstallation(environment: NodeJS.ProcessEnv): OwnInstallation | undefined {
  const folder = environment['PGCTL_ETC']
  const path = folder ? join(folder, basename(INSTALLATION_FILE)) : INSTALLATION_FILE
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  return { path, installation: parseInstallationFile(text) }
}

/** Whether this machine is the bastion of `installation`: then no session leads there. */
export function isOwn({ workspace, account }: Installation, environment: NodeJS.ProcessEnv): boolean {
  const own = readOwnInstallation(environment)?.installation
  return own?.workspace === workspace && own.account === account
}
