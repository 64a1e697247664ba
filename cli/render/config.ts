import { neutralise } from '#core/text/neutralise.ts'
import type { Config, Setting } from '../config.ts'
import type { Paint } from './error.ts'

/** Where things are, whether or not they exist. */
export interface ConfigPlaces {
  /** The user's own configuration file. */
  readonly config: string
  /** The folder of saved ports, of the journal of sessions and of what is remembered. */
  readonly state: string
}

/** The settings and installations with their origins, for a person. */
export function renderConfig(config: Config, places: ConfigPlaces, paint: Paint): string {
  const settings = Object.entries(config.settings).map(([name, setting]) => {
    const from = origin(setting)
    const row = `  ${name.padEnd(13)} ${value(setting)}`
    return from === '' ? row : `${row.padEnd(45)}${paint('dim', from)}`
  })
  const installations = [...config.installations].map(
    ([name, { entry, from }]) =>
      `  ${name.padEnd(13)} ${entry.workspace}  ${entry.cloud} ${entry.region} account ${entry.account}  ${paint('dim', neutralise(from))}`,
  )
  const sets = [...config.sets].map(
    ([name, { targets, from }]) =>
      `  ${name.padEnd(13)} ${neutralise(targets.join(' '))}  ${paint('dim', neutralise(from))}`,
  )
  const files = config.files.map((file) => `  ${neutralise(file.path)} (${file.origin})`)
  return [
    paint('bold', 'SETTINGS'),
    ...settings,
    '',
    paint('bold', 'INSTALLATIONS'),
    ...(installations.length > 0 ? installations : [`  none; describe one in ${places.config}`]),
    ...(sets.length > 0 ? ['', paint('bold', 'SETS'), ...sets] : []),
    '',
    paint('bold', 'FILES'),
    ...(files.length > 0 ? files : [`  none; ${places.config} is where yours would be`]),
    `  ${neutralise(places.state)} (state)`,
  ].join('\n')
}

function value(setting: Setting): string {
  return setting.value === undefined ? '(not set)' : neutralise(setting.value)
}

function origin(setting: Setting): string {
  if (setting.origin === 'default') return setting.value === undefined ? '' : 'default'
  return `${setting.origin}: ${neutralise(setting.from ?? '')}`
}

/** The same for a program. */
export function configDocument(config: Config, places: ConfigPlaces): object {
  return {
    settings: Object.fromEntries(
      Object.entries(config.settings).map(([name, setting]) => [
        name,
        { value: setting.value ?? null, origin: setting.origin, from: setting.from ?? null },
      ]),
    ),
    installations: [...config.installations].map(([name, { entry, from }]) => ({ name, from, ...entry })),
    sets: [...config.sets].map(([name, { targets, from }]) => ({ name, targets, from })),
    files: config.files.map(({ path, origin: place }) => ({ path, origin: place })),
    state: places.state,
  }
}
