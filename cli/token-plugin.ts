import { resolve } from 'node:path'

/** The command line that prints a token of an installation's cluster: this very program, wherever it lies. */
export function tokenPlugin(where: {
  readonly installation: string
  readonly region?: string | undefined
  readonly profile?: string | undefined
}): [string, ...string[]] {
  const flags = Object.entries(where).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  return clusterTokenWords(flags)
}

/** The same on the bastion, with what a login shell asks its operator with. */
export function sessionTokenPlugin(file: string): [string, ...string[]] {
  return clusterTokenWords(['--session', file])
}

function clusterTokenWords(flags: readonly string[]): [string, ...string[]] {
  return [
    process.execPath,
    // How much memory this process may take is no matter of the other.
    ...process.execArgv.filter((word) => !word.startsWith('--max-')),
    resolve(process.argv[1] ?? 'pgctl'),
    'cluster-token',
    ...flags,
  ]
}
