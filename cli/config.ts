import * as z from 'zod'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type Installation,
  type InstallationEntry,
  installationEntrySchema,
} from '#core/installation/installation.ts'
import { readDocument } from '#core/installation/located-document.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'
import { nearest } from '#core/text/nearest.ts'
import { parseTargets } from '#core/tunnel/target.ts'

/**
 * What the person has configured, and where each value came from: flags, then `PGCTL_*`, then the project file
 * `pgctl.yaml`, then the user's `config.yaml`, then the defaults.
 */

/** The plain settings. Each has a flag of the same name on the commands that use it. */
export const SETTINGS = {
  installation: {
    variable: 'PGCTL_INSTALLATION',
    fallback: undefined,
    says: 'the installation that commands act on',
  },
  region: { variable: 'PGCTL_REGION', fallback: undefined, says: "instead of the installation's region" },
  profile: {
    variable: 'PGCTL_PROFILE',
    fallback: undefined,
    says: "the credentials profile, instead of the installation's",
  },
  bind: { variable: 'PGCTL_BIND', fallback: 'localhost', says: 'the address that tunnels listen on' },
  ca: {
    variable: 'PGCTL_CA',
    fallback: undefined,
    says: 'a PEM file of the authorities that datastores are checked against',
  },
  background: {
    variable: 'PGCTL_BACKGROUND',
    fallback: 'on',
    says: 'whether kubectl, helm, run, shell, psql and redis share tunnels in the background: on or off',
  },
  tail: { variable: 'PGCTL_TAIL', fallback: '50', says: 'how many past lines `logs` starts with' },
} as const

export type SettingName = keyof typeof SETTINGS
export type Origin = 'flag' | 'environment' | 'project' | 'user' | 'bastion' | 'default'

export interface Setting {
  readonly value: string | undefined
  readonly origin: Origin
  /** The flag, variable or file that said it. */
  readonly from: string | undefined
}

export interface ConfigFile {
  readonly path: string
  /** `bastion`: what a bastion knows of its installation, as a file of that form. */
  readonly origin: 'project' | 'user' | 'bastion'
  readonly text: string
}

export interface Config {
  readonly files: readonly ConfigFile[]
  readonly settings: Readonly<Record<SettingName, Setting>>
  readonly installations: ReadonlyMap<string, { entry: InstallationEntry; from: string }>
  /** Targets of tunnels that are opened together, by a name. */
  readonly sets: ReadonlyMap<string, { targets: readonly string[]; from: string }>
}

const word = z.string().min(1)
const installationName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "an installation's name is lower-case letters, digits and dashes")
/** Words as they stand behind `pgctl tunnel`. */
const targetSet = z.array(word).superRefine((words, context) => {
  const refuse = (message: string, ...path: number[]) => context.addIssue({ code: 'custom', message, path })
  if (words.length === 0) return refuse('a set has at least one target')
  const wrong = whatIsWrong(words)
  if (wrong === undefined) return
  // Some words belong together: the one with which it goes wrong is where the same is wrong for the first time.
  const at = words.findIndex((_, index) => whatIsWrong(words.slice(0, index + 1)) === wrong)
  refuse(wrong, at)
})
function whatIsWrong(words: readonly string[]): string | undefined {
  try {
    parseTargets(words)
    return undefined
  } catch (error) {
    if (!isPgctlError(error)) throw error
    const { message, why } = error
    return why === undefined ? message : `${message}: ${why}`
  }
}
const fileSchema = z.strictObject({
  installation: word.optional(),
  region: word.optional(),
  profile: word.optional(),
  bind: word.optional(),
  ca: word.optional(),
  background: z
    .union([z.enum(['on', 'off']), z.boolean().transform((is) => (is ? 'on' : 'off'))], {
      error: 'it is on or off',
    })
    .optional(),
  tail: z.union([word, z.int().nonnegative()]).transform(String).optional(),
  sets: z.record(word, targetSet).optional(),
  installations: z.record(installationName, installationEntrySchema).optional(),
})
const KNOWN_KEYS = [...Object.keys(fileSchema.shape), ...Object.keys(installationEntrySchema.shape)]
type FileContent = z.infer<typeof fileSchema>

/** What is set, of all places: pure, so that the order of the five is one readable function. */
export function resolveConfig(input: {
  readonly flags: Readonly<Partial<Record<SettingName, string | undefined>>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly files: readonly ConfigFile[]
}): Config {
  const contents = input.files.map((file) => ({ file, content: readContent(file) }))
  const settings = {} as Record<SettingName, Setting>
  for (const name of Object.keys(SETTINGS) as SettingName[]) settings[name] = resolve(name, input, contents)
  const installations = new Map<string, { entry: InstallationEntry; from: string }>()
  const sets = new Map<string, { targets: readonly string[]; from: string }>()
  // The project's entries come last, as the nearer file wins.
  for (const { file, content } of contents.toReversed()) {
    for (const [name, entry] of Object.entries(content.installations ?? {}))
      installations.set(name, { entry, from: file.path })
    for (const [name, targets] of Object.entries(content.sets ?? {}))
      sets.set(name, { targets, from: file.path })
  }
  return { files: input.files, settings, installations, sets }
}

type Contents = ReadonlyArray<{ readonly file: ConfigFile; readonly content: FileContent }>

function resolve(name: SettingName, input: Parameters<typeof resolveConfig>[0], contents: Contents): Setting {
  const { variable, fallback } = SETTINGS[name]
  const flag = input.flags[name]
  if (flag !== undefined) return { value: flag, origin: 'flag', from: `--${name}` }
  const environment = input.environment[variable]
  if (environment !== undefined && environment !== '')
    return { value: environment, origin: 'environment', from: variable }
  for (const { file, content } of contents)
    if (content[name] !== undefined) return { value: content[name], origin: file.origin, from: file.path }
  return { value: fallback, origin: 'default', from: undefined }
}

function readContent({ path, text }: ConfigFile): FileContent {
  const next = `mend it, or move it away to go on without it: mv ${path} ${path}.old`
  const reading = { source: path, what: 'the configuration file', known: KNOWN_KEYS, next }
  return readDocument<FileContent>(text, fileSchema, reading)
}

const DESCRIBE_ONE =
  'describe one (pgctl config shows where), or try one on this computer: pgctl sandbox up --detach && eval "$(pgctl sandbox env)"'

/** Which installation commands act on, and the flag, variable or file that says so: none where it is the only one. */
export interface Choice {
  readonly name: string
  readonly from: string | undefined
}

/** The installation that this run is about: the one named, or the only one there is. */
export function chooseInstallation(config: Config): Installation {
  const choice = currentChoice(config)
  if (isPgctlError(choice)) throw choice
  return chosen(config, choice.name)
}

/** The same by its name; an error as a value, for those who can go on without. */
export function currentChoice(config: Config): Choice | PgctlError {
  const { value: wanted, from } = config.settings.installation
  if (wanted !== undefined)
    return config.installations.has(wanted)
      ? { name: wanted, from }
      : unknownInstallation(config, wanted, {
          asker: from,
          choose: (name) => `--installation ${name}`,
        })
  const [only, another] = namesOf(config)
  if (only === undefined)
    return new PgctlError('installation-unknown', 'no installation is configured', {
      why: 'no file has an entry under "installations:"',
      next: DESCRIBE_ONE,
    })
  if (another === undefined) return { name: only, from: undefined }
  return new PgctlError('ambiguous-name', 'several installations are configured and none is chosen', {
    why: `there are ${namesOf(config).join(', ')}`,
    next: `choose one: pgctl use ${only}, or for one command --installation ${only}, or PGCTL_INSTALLATION=${only}`,
  })
}

/** A name that no file describes; `choose` is how its asker would name another. */
export function unknownInstallation(
  config: Config,
  wanted: string,
  { asker, choose }: { readonly asker?: string | undefined; readonly choose: (name: string) => string },
): PgctlError {
  const names = namesOf(config)
  const close = nearest(wanted, names)
  const asked = asker === undefined ? '' : `${asker} asks for it; `
  return new PgctlError('installation-unknown', `no installation is called "${wanted}"`, {
    why: names.length === 0 ? 'no installation is configured' : `${asked}configured: ${names.join(', ')}`,
    next: names.length === 0 ? DESCRIBE_ONE : suggest(close, choose),
  })
}

function suggest([nearestName, ...others]: readonly string[], choose: (name: string) => string): string {
  if (nearestName === undefined) return 'see what is configured, and where: pgctl config'
  return `did you mean ${[nearestName, ...others].join(' or ')}? choose it: ${choose(nearestName)}`
}

function namesOf({ installations }: Config): string[] {
  return [...installations.keys()].sort()
}

/** The region that is set for all installations, if any: a wrong one would become the name of no host. */
export function chosenRegion({ settings: { region } }: Config): string | undefined {
  const parsed = installationEntrySchema.shape.region.optional().safeParse(region.value)
  if (parsed.success) return parsed.data
  throw new PgctlError('usage', `"${region.value}" is not a region`, {
    why: `${region.from} says so; ${describeIssues(parsed.error.issues)}`,
    next: 'correct it, or leave it out for the region of the installation',
  })
}

function chosen(config: Config, name: string): Installation {
  const found = config.installations.get(name)
  if (found === undefined) throw new Error(`installation ${name} vanished`)
  const { profile } = config.settings
  const region = chosenRegion(config)
  return {
    ...found.entry,
    name,
    ...(region === undefined ? {} : { region }),
    ...(profile.value === undefined ? {} : { profile: profile.value }),
  }
}
