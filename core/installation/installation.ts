import * as z from 'zod'

/**
 * One installation as the configuration names it: where it runs, who to be there, and the single values that
 * override what discovery would find.
 */

const region = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like eu-central-1')
const ACCOUNT_FORM = 'an AWS account is twelve digits in quotes, as YAML drops leading zeros'
const account = z
  .string({ error: ({ input }) => (input === undefined ? undefined : ACCOUNT_FORM) })
  .regex(/^\d{12}$/, ACCOUNT_FORM)
const role = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/,
    'a role is given by its ARN: arn:aws:iam::ACCOUNT:role/NAME',
  )
const managedNode = z
  .string()
  .regex(/^(i|mi)-[0-9a-f]{8,17}$/, 'a bastion is given by its instance id: i-… or mi-…')
const dnsLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes')

const endpoint = z
  .url({ protocol: /^https?$/, error: 'an endpoint is a URL: https://HOST' })
  .regex(/^https:|^http:\/\/(127\.|localhost|\[::1\])/, 'an endpoint is reached by https')

/** The body of an entry under `installations:`; its key is the installation's name. Unknown keys are refused. */
export const installationEntrySchema = z.strictObject({
  /** The prefix of everything the installation consists of: `paragon-ORGANIZATION-HASH`. */
  workspace: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*$/, 'a workspace is letters, digits and dashes'),
  cloud: z.enum(['aws']).default('aws'),
  /** The pin: nothing but reads is called until the caller's identity is of this account. */
  account,
  region,
  /** The AWS profile whose credentials are used. */
  profile: z.string().min(1).optional(),
  /** The role to assume, with the profile's credentials or the environment's. */
  role: role.optional(),
  /** What the role's owner asked the caller to present when assuming it. */
  externalId: z.string().min(2).optional(),
  /** Which product it runs: a file of `profiles/`. */
  product: dnsLabel.default('paragon'),
  /** Opens sessions on this instance instead of the one found by name. */
  bastion: managedNode.optional(),
  /** Where services of AWS answer, as for PrivateLink without private names; variables of the environment go first. */
  endpoints: z
    .strictObject({
      ssm: endpoint.optional(),
      ssmmessages: endpoint.optional(),
      sts: endpoint.optional(),
      ec2: endpoint.optional(),
      eks: endpoint.optional(),
      kms: endpoint.optional(),
    })
    .optional(),
  /** Tunnels are opened by documents of the installation's own, each to one host and port. */
  sessionDocuments: z.literal('own').optional(),
  /** No session is opened without a reason for the audit log. */
  reason: z.literal('required').optional(),
  /** The cluster's namespace, instead of the product's. */
  namespace: dnsLabel.optional(),
  /** The table of what the scheduled function wrote down of snapshots, instead of this computer's state folder. */
  snapshotTable: z
    .string()
    .regex(
      /^[A-Za-z0-9_.-]{3,255}$/,
      'a table is named by 3 to 255 letters, digits, dots, dashes and underscores',
    )
    .optional(),
})

export type InstallationEntry = z.infer<typeof installationEntrySchema>

/** An entry together with its name. */
export type Installation = InstallationEntry & { readonly name: string }
