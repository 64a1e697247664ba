import { type Config, resolveConfig, type SettingName } from './config.ts'
import { findConfigFiles } from './config-files.ts'

/** The configuration of this run, from flags, environment and the files that exist. */
export function loadConfig(from: {
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>
  readonly environment: NodeJS.ProcessEnv
  /** Where the project's file is looked for, and above; the current one unless told. */
  readonly folder?: string | undefined
}): Config {
  return resolveConfig({ ...from, files: findConfigFiles(from.environment, from.folder) })
}
