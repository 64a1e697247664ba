import { parse, YAMLParseError } from 'yaml'
import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/** The word in a name pattern that stands for the installation's workspace. */
const WORKSPACE = 'WORKSPACE'

const port = z.number().int().min(1).max(65_535)
const healthPath = z.string().regex(/^\/\S*$/, 'a path starts with /')
const namePattern = z.string().includes(WORKSPACE, { error: `a name pattern contains ${WORKSPACE}` })
const endpoint = z.strictObject({ port, health: healthPath.optional() })

/** `profiles/NAME.yaml`: the names of the product that an installation runs. Unknown keys are refused. */
const profileSchema = z.strictObject({
  name: z.string().min(1),
  namespace: z.string().min(1),
  labels: z.strictObject({ service: z.string().min(1), release: z.string().min(1) }),
  releases: z.array(z.string().min(1)),
  resources: z.strictObject({ vpc: namePattern, cluster: namePattern, bastion: namePattern }),
  services: z.record(z.string(), endpoint),
  monitors: z.record(z.string(), endpoint),
  /** What installations are known to send to others by default, and what ends it. */
  outside: z
    .record(z.string(), z.strictObject({ hosts: z.array(z.string().min(1)), setting: z.string().min(1) }))
    .default({}),
})

/** A product's names as data; `services` and `monitors` map a name to its default port and health path. */
export type ProductProfile = z.infer<typeof profileSchema>

/** Which resource of the installation a pattern names. */
type NamedResource = keyof ProductProfile['resources']

/**
 * Reads a profile from the text of its file. `source` names the file in errors.
 * @throws PgctlError `config-invalid`, naming the line or the key.
 */
export function parseProfile(text: string, source: string): ProductProfile {
  const result = profileSchema.safeParse(parseYaml(text, source))
  if (result.success) return result.data
  throw new PgctlError('config-invalid', `cannot use the product profile ${source}`, {
    why: describeIssues(result.error.issues, Object.keys(profileSchema.shape)),
    next: `mend ${source}`,
  })
}

/** The name that `resource` bears in the installation of `workspace`. */
export function resourceName(profile: ProductProfile, resource: NamedResource, workspace: string): string {
  return profile.resources[resource].replaceAll(WORKSPACE, workspace)
}

function parseYaml(text: string, source: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new PgctlError('config-invalid', `cannot read the product profile ${source}`, {
      why: error.message.split('\n', 1)[0],
      next: `mend ${source}`,
      cause: error,
    })
  }
}
