import { neutralise } from '#core/text/neutralise.ts'
import type { Config, Setting } from '../config.ts'
import type { Paint } from './error.ts'

/** The settings and installations with their origins, for a person. */
export function renderConfig(config: Config, userPath: string, paint: Paint): string {
  const settings = Object.entries(config.settings).map(
    ([name, setting]) =>
      `  ${name.padEnd(13)} ${value(setting, paint).padEnd(28)} ${paint('dim', origin(setting))}`,
  )
  const installations = [...config.installations].map(
    ([name, { entry, from }]) =>
      `  ${name.padEnd(13)} ${entry.workspace}  ${entry.cloud} ${entry.region} account ${entry.account}  ${paint('dim', neutralise(from))}`,
  )
  const files = config.files.map((file) => `  ${neutralise(file.path)} (${file.origin})`)
  return [
    paint('bold', 'SETTINGS'),
    ...settings,
    '',
    paint('bold', 'INSTALLATIONS'),
    ...(installations.length > 0 ? installations : [`  none; describe one in ${userPath}`]),
    '',
    paint('bold', 'FILES'),
    ...(files.length > 0 ? files : [`  none; ${userPath} is where yours would be`]),
  ].join('\n')
}

function value(setting: Setting, paint: Paint): string {
  return setting.value === undefined ? paint('dim', '(not set)') : neutralise(setting.value)
}

function origin(setting: Setting): string {
  if (setting.origin === 'default') return setting.value === undefined ? '' : 'default'
  return `${setting.origin}: ${neutralise(setting.from ?? '')}`
}

/** The same for a program. */
export function configDocument(config: Config): object {
  return {
    settings: Object.fromEntries(
      Object.entries(config.settings).map(([name, setting]) => [
        name,
        { value: setting.value ?? null, origin: setting.origin, from: setting.from ?? null },
      ]),
    ),
    installations: [...config.installations].map(([name, { entry, from }]) => ({ name, from, ...entry })),
    files: config.files.map(({ path, origin: place }) => ({ path, origin: place })),
  }
}
