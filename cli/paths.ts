import { join } from 'node:path'
import envPaths from 'env-paths'

export interface Paths {
  /** The folder of `config.yaml`. */
  readonly config: string
  /** Saved ports, the journal of sessions, identities: nothing that cannot be made again. */
  readonly state: string
  readonly cache: string
}

/** Where this user's files are: the XDG folders where they are set, else what the system is used to. */
export function paths(environment: NodeJS.ProcessEnv = process.env): Paths {
  const system = envPaths('pgctl', { suffix: '' })
  const under = (variable: string, fallback: string) => {
    const base = environment[variable]
    return base === undefined || base === '' ? fallback : join(base, 'pgctl')
  }
  return {
    config: under('XDG_CONFIG_HOME', system.config),
    state: under('XDG_STATE_HOME', system.log),
    cache: under('XDG_CACHE_HOME', system.cache),
  }
}
