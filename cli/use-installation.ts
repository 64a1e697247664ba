import { changeConfigFile } from './change-config-file.ts'
import { resolveConfig, unknownInstallation } from './config.ts'
import { userConfigPath } from './config-files.ts'
import { loadConfig } from './load-config.ts'
import { setInstallation } from './set-installation.ts'

/** What has become of the user's default. */
export interface UseResult {
  readonly installation: string
  /** The user's own configuration file. */
  readonly file: string
  readonly changed: boolean
  /** What commands here are told all the same, and the variable or file that says so. */
  readonly hidden:
    | { readonly installation: string | undefined; readonly by: string; readonly isFile: boolean }
    | undefined
  /** The project's file, where it alone describes the installation: in other folders the default is a name of none. */
  readonly onlyIn: string | undefined
}

/** Makes `name` what commands act on wherever nothing nearer says otherwise. */
export async function useInstallation(name: string, environment: NodeJS.ProcessEnv): Promise<UseResult> {
  const config = loadConfig({ flags: {}, environment })
  const described = config.installations.get(name)
  if (described === undefined)
    throw unknownInstallation(config, name, { choose: (near) => `pgctl use ${near}` })
  const file = userConfigPath(environment)
  const changed = await changeConfigFile(file, (text) => {
    // An editor may have saved since the configuration was loaded: what cannot be used is not written over.
    resolveConfig({ flags: {}, environment: {}, files: [{ path: file, origin: 'user', text }] })
    return setInstallation(text, name)
  })
  const users = config.files.filter(({ origin }) => origin === 'user')
  const everywhere = resolveConfig({ flags: {}, environment: {}, files: users })
  const onlyIn = everywhere.installations.has(name) ? undefined : described.from
  const { value, origin, from } = loadConfig({ flags: {}, environment }).settings.installation
  const hidden =
    value === name || from === undefined
      ? undefined
      : { installation: value, by: from, isFile: origin !== 'environment' }
  return { installation: name, file, changed, hidden, onlyIn }
}
