import { parse } from 'yaml'
import * as z from 'zod'
import { messageOf, PgctlError } from '#core/errors.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/**
 * What a bastion is told of its installation: the user data of its launch template, which its first boot has checked
 * and put into `/etc/pgctl/installation.yaml`. Where that file is, this is the bastion.
 */
const descriptionSchema = z.strictObject({
  pgctl: z.literal(1),
  installation: z.looseObject({ name: z.string().min(1) }),
  cluster: z
    .strictObject({
      name: z.string().min(1),
      endpoint: z.url({ protocol: /^https$/ }),
      certificateAuthority: z.base64(),
    })
    .optional(),
  network: z.looseObject({}).optional(),
  audit: z.looseObject({}).optional(),
})

export interface BastionDescription {
  readonly installation: string
  readonly cluster:
    | { readonly name: string; readonly host: string; readonly port: number; readonly ca: string }
    | undefined
}

/** @throws PgctlError `config-invalid`. */
export function parseBastionDescription(text: string, source: string): BastionDescription {
  const result = descriptionSchema.safeParse(parseText(text, source))
  if (!result.success)
    throw refuse(source, describeIssues(result.error.issues, Object.keys(descriptionSchema.shape)))
  const { installation, cluster } = result.data
  if (cluster === undefined) return { installation: installation.name, cluster }
  const { hostname, port } = new URL(cluster.endpoint)
  const ca = Buffer.from(cluster.certificateAuthority, 'base64').toString('utf8')
  return {
    installation: installation.name,
    cluster: { name: cluster.name, host: hostname, port: port === '' ? 443 : Number(port), ca },
  }
}

function parseText(text: string, source: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw refuse(source, messageOf(error), error)
  }
}

const refuse = (source: string, why: string, cause?: unknown) =>
  new PgctlError('config-invalid', `cannot use the description of this bastion, ${source}`, {
    why: why.split('\n', 1)[0],
    next: 'mend the user data of its launch template, and start a new one: pgctl image verify says what else is wrong',
    cause,
  })
