import { parse } from 'yaml'
import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'

/**
 * What a bastion knows of its installation from the moment it is there: the user data of its launch template, a JSON
 * object, which the first boot has checked and put into a file of root's. Everything in it is known to whoever may log
 * in.
 */

export const INSTALLATION_FILE = '/etc/pgctl/installation.yaml'

const descriptionSchema = z.strictObject({
  /** The version of the form. */
  pgctl: z.literal(1),
  installation: z.strictObject({
    /** The name that people give it. */
    name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    /** The prefix of everything that it consists of. */
    workspace: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/),
    account: z.string().regex(/^\d{12}$/),
    region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/),
    /** The product that it runs: a file of `profiles/`. */
    product: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
      .default('paragon'),
    /** The cluster's namespace, where it is not the product's. */
    namespace: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
      .optional(),
  }),
  /** Where the firewall looks; the first boot reads it, and nothing after it. */
  network: z.looseObject({}).optional(),
  /** Where its audit log goes. */
  audit: z
    .looseObject({
      logGroup: z
        .string()
        .regex(/^[\w./#-]{1,512}$/)
        .optional(),
    })
    .optional(),
})

export type InstallationFile = z.infer<typeof descriptionSchema>['installation']

/** The file's text. */
export function formatInstallationFile(installation: InstallationFile): string {
  return `${JSON.stringify({ pgctl: 1, installation })}\n`
}

/** What the file says, JSON being YAML. @throws PgctlError `config-invalid` that names the first wrong key. */
export function parseInstallationFile(text: string): InstallationFile {
  return parseDescription(text).installation
}

/** The log group for the machine's audit log; undefined where none is named. @throws PgctlError `config-invalid` */
export function auditLogGroup(text: string): string | undefined {
  return parseDescription(text).audit?.logGroup
}

function parseDescription(text: string): z.infer<typeof descriptionSchema> {
  const parsed = descriptionSchema.safeParse(yamlOf(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PgctlError('config-invalid', `${INSTALLATION_FILE} does not say which installation this is`, {
    why: `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`,
    next: 'replace the bastion: pgctl bastion refresh; its launch template says it anew at boot',
  })
}

function yamlOf(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
