import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { PgctlError } from '#core/errors.ts'

/** Where to get what we start for people and do not bring along. */
const SOURCES: Readonly<Record<string, string>> = {
  kubectl: 'https://kubernetes.io/docs/tasks/tools/',
  helm: 'https://helm.sh/docs/intro/install/',
}

/**
 * The path of a program, as a shell would find it.
 * @throws PgctlError `not-supported` where there is none: before a session is opened for it.
 */
export function findProgram(name: string, environment: NodeJS.ProcessEnv): string {
  const isPath = /[\\/]/.test(name)
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(Boolean)
  const candidates = isPath ? [name] : folders.flatMap((folder) => named(folder, name))
  for (const path of candidates) if (isExecutable(path)) return path
  const source = SOURCES[name]
  throw new PgctlError('not-supported', `there is no ${name} on this computer`, {
    why: isPath ? 'there is no such file, or it cannot be run' : 'no folder of PATH has it',
    next: source === undefined ? 'install it, or give its path' : `install it: ${source}`,
  })
}

/** On Windows a program has an ending. */
function named(folder: string, name: string): string[] {
  const path = join(folder, name)
  return process.platform === 'win32' ? [`${path}.exe`, `${path}.cmd`, path] : [path]
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
