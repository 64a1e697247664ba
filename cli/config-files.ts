import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, parse } from 'node:path'
import { stringify } from 'yaml'
import { PgctlError } from '#core/errors.ts'
import type { InstallationFile } from '#core/installation/installation-file.ts'
import type { ConfigFile } from './config.ts'
import { readOwnInstallation } from './own-installation.ts'
import { paths } from './paths.ts'

const PROJECT_FILE = 'pgctl.yaml'

/**
 * The configuration files that exist, the nearest first: `pgctl.yaml` here or above, then the user's own; on a bastion
 * what that knows of its installation comes last.
 */
export function findConfigFiles(
  environment: NodeJS.ProcessEnv = process.env,
  folder = process.cwd(),
): ConfigFile[] {
  const named = environment['PGCTL_CONFIG']
  const user = userConfigPath(environment)
  const files = [
    ...projectFolders(folder).map((at) => ({ path: join(at, PROJECT_FILE), origin: 'project' as const })),
    { path: user, origin: 'user' as const },
  ]
  const found: ConfigFile[] = []
  for (const { path, origin } of files) {
    if (origin === 'project' && found.length > 0) continue
    const text = read(path)
    if (text !== undefined) found.push({ path, origin, text })
    else if (path === named)
      throw new PgctlError('config-invalid', `the configuration file ${path} does not exist`, {
        why: 'PGCTL_CONFIG names it',
        next: 'unset PGCTL_CONFIG, or name a file that exists',
      })
  }
  const own = readOwnInstallation(environment)
  if (own !== undefined) found.push({ path: own.path, origin: 'bastion', text: configOf(own.installation) })
  return found
}

/** On the bastion commands need no session, and so nothing in the background that would share one. */
function configOf({ name, ...entry }: InstallationFile): string {
  return stringify({ installation: name, background: 'off', installations: { [name]: entry } })
}

/** Where this user's configuration is, whether or not it exists. */
export function userConfigPath(environment: NodeJS.ProcessEnv = process.env): string {
  return environment['PGCTL_CONFIG'] || join(paths(environment).config, 'config.yaml')
}

/** This folder and those above it, up to the home folder or the root. */
function projectFolders(folder: string): string[] {
  const folders: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    folders.push(at)
    if (at === homedir() || at === parse(at).root) return folders
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PgctlError('config-invalid', `cannot read the configuration file ${path}`, {
      why: (error as Error).message,
      next: 'see that it is a file and that you may read it, or set PGCTL_CONFIG to another',
      cause: error,
    })
  }
}
