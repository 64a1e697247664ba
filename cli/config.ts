import { parse } from 'yaml'
import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'
import {
  type Installation,
  type InstallationEntry,
  installationEntrySchema,
} from '#core/installation/installation.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'
import { nearest } from '#core/text/nearest.ts'

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
  tail: { variable: 'PGCTL_TAIL', fallback: '50', says: 'how many past lines `logs` starts with' },
} as const

export type SettingName = keyof typeof SETTINGS
export type Origin = 'flag' | 'environment' | 'project' | 'user' | 'default'

export interface Setting {
  readonly value: string | undefined
  readonly origin: Origin
  /** The flag, variable or file that said it. */
  readonly from: string | undefined
}

export interface ConfigFile {
  readonly path: string
  readonly origin: 'project' | 'user'
  readonly text: string
}

export interface Config {
  readonly files: readonly ConfigFile[]
  readonly settings: Readonly<Record<SettingName, Setting>>
  readonly installations: ReadonlyMap<string, { entry: InstallationEntry; from: string }>
}

const word = z.string().min(1)
const installationName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, "an installation's name is lower-case letters, digits and dashes")
const fileSchema = z.strictObject({
  installation: word.optional(),
  region: word.optional(),
  profile: word.optional(),
  bind: word.optional(),
  tail: z.union([word, z.int().nonnegative()]).transform(String).optional(),
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
  // The project's entries come last, as the nearer file wins.
  for (const { file, content } of contents.toReversed())
    for (const [name, entry] of Object.entries(content.installations ?? {}))
      installations.set(name, { entry, from: file.path })
  return { files: input.files, settings, installations }
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

function readContent(file: ConfigFile): FileContent {
  const refuse = (why: string, cause: unknown) =>
    new PgctlError('config-invalid', `cannot use the configuration file ${file.path}`, {
      why,
      next: `mend it, or move it away to go on without it: mv ${file.path} ${file.path}.old`,
      cause,
    })
  let document: unknown
  try {
    document = parse(file.text) ?? {}
  } catch (error) {
    throw refuse(`it is no YAML: ${(error as Error).message.split('\n')[0]?.replace(/:$/, '')}`, error)
  }
  const parsed = fileSchema.safeParse(document)
  if (!parsed.success) throw refuse(describeIssues(parsed.error.issues, KNOWN_KEYS), undefined)
  return parsed.data
}

/** The installation that this run is about: the one named, or the only one there is. */
export function chooseInstallation(config: Config): Installation {
  const names = [...config.installations.keys()].sort()
  const { value: wanted, from } = config.settings.installation
  if (wanted === undefined) {
    const [only, another] = names
    if (only !== undefined && another === undefined) return chosen(config, only)
    if (only === undefined)
      throw new PgctlError('installation-unknown', 'no installation is configured', {
        why: 'no file has an entry under "installations:"',
        next: 'describe one (pgctl config shows where), or try one on this computer: pgctl sandbox up --detach && eval "$(pgctl sandbox env)"',
      })
    throw new PgctlError('ambiguous-name', 'several installations are configured and none is chosen', {
      why: `there are ${names.join(', ')}`,
      next: `choose one: --installation ${only}, or PGCTL_INSTALLATION=${only}, or "installation: ${only}" in config.yaml`,
    })
  }
  if (!config.installations.has(wanted)) {
    const close = nearest(wanted, names)
    throw new PgctlError('installation-unknown', `no installation is called "${wanted}"`, {
      why:
        names.length === 0
          ? 'no installation is configured'
          : `${from} asks for it; configured: ${names.join(', ')}`,
      next:
        close.length > 0
          ? `did you mean ${close.join(' or ')}? choose it: --installation ${close[0]}`
          : 'see what is configured, and where: pgctl config',
    })
  }
  return chosen(config, wanted)
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
