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
  return [
    process.execPath,
    // How much memory this process may take is no matter of the other.
    ...process.execArgv.filter((word) => !word.startsWith('--max-')),
    resolve(process.argv[1] ?? 'pgctl'),
    'cluster-token',
    ...flags,
  ]
}
