import { PgctlError } from '#core/errors.ts'
import { nearest } from '#core/text/nearest.ts'
import type { Config } from './config.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'

export interface TargetWishes {
  readonly words: readonly string[]
  /** A set of the configuration. */
  readonly set?: string | undefined
  /** Everything that has a name. */
  readonly all?: boolean | undefined
}

/**
 * The words of all targets that are meant, each once.
 * @throws PgctlError `usage` where none is, or no set has that name.
 */
export async function meantTargets(
  surroundings: Surroundings,
  { words, set, all }: TargetWishes,
  signal: AbortSignal,
): Promise<string[]> {
  const ofSet = set === undefined ? [] : wordsOfSet(loadConfig(surroundings), set)
  const everything = all ? await everyName(surroundings, signal) : []
  const meant = [...words, ...ofSet, ...everything]
  if (meant.length > 0) return set === undefined && !all ? meant : [...new Set(meant)]
  throw new PgctlError('usage', 'the argument TARGET is missing', {
    why: 'it says what to reach; several may follow',
    next: 'see what there is: pgctl targets; or take all of it: --all',
  })
}

async function everyName(surroundings: Surroundings, signal: AbortSignal): Promise<string[]> {
  const { listTargets } = await import('./target-list.ts')
  return (await listTargets(surroundings, signal)).targets.map(({ name }) => name)
}

function wordsOfSet({ sets }: Config, name: string): readonly string[] {
  const found = sets.get(name)
  if (found !== undefined) return found.targets
  const names = [...sets.keys()].sort()
  const near = nearest(name, names)
  throw new PgctlError('usage', `no set of targets is called ${JSON.stringify(name)}`, {
    why: names.length === 0 ? 'no file has an entry under "sets:"' : `there are ${names.join(', ')}`,
    next:
      near.length > 0
        ? `did you mean --set ${near[0]}?`
        : 'describe it in config.yaml (pgctl config shows where): sets: {oncall: [grafana, postgres]}',
  })
}
