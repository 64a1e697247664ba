import { PgctlError } from '#core/errors.ts'
import { parameterName } from './template.ts'

/** What the stack of an installation is told, as `serverless.yml` names it; where nothing is said here, any text fits. */
const KNOWN: Readonly<Record<string, { readonly description: string; readonly pattern?: string }>> = {
  workspace: {
    description: 'The prefix of all names of the installation',
    pattern: '^[A-Za-z0-9][A-Za-z0-9-]*$',
  },
  installationId: { description: "The vendor's name of the installation", pattern: '^ins-[0-9a-f]{32}$' },
  licenseSecret: {
    description: 'The ARN of the secret that holds the license key',
    pattern: '^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:.+$',
  },
  licenseSecretField: { description: 'The field of the secret, where it is a JSON object' },
  subnets: {
    description: 'Private subnets for the functions, with commas between them',
    pattern: '^subnet-[0-9a-z]+(,subnet-[0-9a-z]+)*$',
  },
  securityGroup: {
    description: 'The security group of the functions, which alone leads to the vendor',
    pattern: '^sg-[0-9a-z]+$',
  },
  topic: {
    description: 'The ARN of the topic that alarms go to',
    pattern: '^arn:aws[a-z-]*:sns:[a-z0-9-]+:\\d{12}:.+$',
  },
  bastionIdleMinutes: {
    description: 'After how many minutes without use the bastion is stopped; 0 never stops it',
    pattern: '^([0-9]{1,3}|1[0-3][0-9]{2}|14[0-3][0-9]|1440)$',
  },
  bastionHours: {
    description:
      'When the bastion must be up, as Mon-Fri 08:00-18:00 Europe/Berlin; several with a semicolon',
    pattern: '^[A-Za-z0-9 ,:;/_+-]*$',
  },
  checkpointLock: {
    description: 'Whether checkpoints are locked for a year: none, GOVERNANCE or COMPLIANCE',
    pattern: '^(none|GOVERNANCE|COMPLIANCE)$',
  },
}

export function describeParameter(name: string): {
  readonly description?: string
  readonly pattern?: string
} {
  return KNOWN[name] ?? {}
}

/** What a template takes, by its own names. */
export interface TemplateParameter {
  readonly name: string
  readonly initial: string | undefined
  readonly description: string | undefined
}

/** A value of a parameter, or that it stays as it is. */
export interface GivenParameter {
  readonly name: string
  /** Undefined: as the deployed stack has it. */
  readonly value: string | undefined
}

/**
 * The value of every parameter: what a person gives, what pgctl knows itself, what the stack has, what the template
 * begins with, in this order.
 * @throws PgctlError `usage` for one that has none of these, and for a name that no parameter has.
 */
export function chooseParameters(
  takes: readonly TemplateParameter[],
  values: {
    /** By the names of `serverless.yml`, or the template's. */
    readonly given: ReadonlyMap<string, string>
    readonly known: ReadonlyMap<string, string>
    readonly deployed: ReadonlyMap<string, string>
  },
): readonly GivenParameter[] {
  const given = new Map([...values.given].map(([name, value]) => [parameterName(name), value]))
  const unknown = [...given.keys()].find((name) => !takes.some((parameter) => parameter.name === name))
  if (unknown !== undefined)
    throw new PgctlError('usage', `the stack takes no parameter ${unknown}`, {
      why: `it takes ${takes.map(({ name }) => name).join(', ')}`,
      next: 'correct the name behind --set',
    })
  const missing = takes.filter(
    ({ name, initial }) =>
      initial === undefined && ![given, values.known, values.deployed].some((each) => each.has(name)),
  )
  if (missing.length > 0)
    throw new PgctlError('usage', `the stack needs ${missing.map(({ name }) => name).join(', ')}`, {
      why: missing.map(({ name, description }) => `${name}: ${description ?? 'a text'}`).join('; '),
      next: `say what they are: ${missing.map(({ name }) => `--set ${name}=…`).join(' ')}`,
    })
  return takes.flatMap(({ name }): GivenParameter[] => {
    const value = given.get(name) ?? values.known.get(name)
    if (value !== undefined) return [{ name, value }]
    return values.deployed.has(name) ? [{ name, value: undefined }] : []
  })
}
