import { parse, stringify } from 'yaml'
import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'

/**
 * What a bastion knows of its installation from the moment it is there: a file of root's, written at boot from the
 * launch template's user data. Everything in it is known to whoever may log in.
 */

export const INSTALLATION_FILE = '/etc/pgctl/installation.yaml'

export const installationFileSchema = z.strictObject({
  /** The name that people give it. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  /** The prefix of everything that it consists of. */
  workspace: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
  account: z.string().regex(/^\d{12}$/),
  /** The name of its cluster. */
  cluster: z.string().regex(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/),
  /** The product that it runs: a file of `profiles/`. */
  profile: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
})

export type InstallationFile = z.infer<typeof installationFileSchema>

/** The file's text. */
export function formatInstallationFile(file: InstallationFile): string {
  return stringify(file)
}

/** The file from its text. @throws PgctlError `config-invalid` that names the first wrong key. */
export function parseInstallationFile(text: string): InstallationFile {
  const parsed = installationFileSchema.safeParse(yamlOf(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PgctlError('config-invalid', `${INSTALLATION_FILE} does not say which installation this is`, {
    why: `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
    next: 'replace the bastion: pgctl bastion refresh; its launch template writes the file at boot',
  })
}

function yamlOf(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
