import { WORLD } from './world.ts'

/** What `environmentOf` needs to know of a sandbox. */
export interface ReachableSandbox {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly authorityPath: string
  readonly configPath: string
}

/** Variables to set and to unset, so that every program of AWS, and pgctl itself, acts on the sandbox. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}

/** What would lead elsewhere, or take precedence over what is set. */
const IN_THE_WAY = [
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  ...[
    'AUTO_SCALING',
    'CLOUDTRAIL',
    'EC2',
    'EKS',
    'ELASTICACHE',
    'ELASTIC_LOAD_BALANCING_V2',
    'KAFKA',
    'KMS',
    'RDS',
    'S3',
    'SSM',
    'STS',
  ].map((service) => `AWS_ENDPOINT_URL_${service}`),
] as const

/** The operator's environment: only what any AWS program reads, and pgctl's own configuration. */
export function environmentOf(sandbox: ReachableSandbox): EnvironmentChange {
  return {
    set: {
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_REGION: WORLD.region,
      AWS_DEFAULT_REGION: WORLD.region,
      AWS_ACCESS_KEY_ID: sandbox.accessKeyId,
      AWS_SECRET_ACCESS_KEY: sandbox.secretAccessKey,
      AWS_CA_BUNDLE: sandbox.authorityPath,
      NODE_EXTRA_CA_CERTS: sandbox.authorityPath,
      PGCTL_CONFIG: sandbox.configPath,
      PGCTL_INSTALLATION: WORLD.organization,
    },
    unset: IN_THE_WAY,
  }
}

/** The variables that still lead `environment` to a sandbox of which nothing is left at `authorityPath`. */
export function leftInEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  authorityPath: string,
): readonly string[] {
  if (environment['NODE_EXTRA_CA_CERTS'] !== authorityPath) return []
  const names = Object.keys(
    environmentOf({ endpoint: '', accessKeyId: '', secretAccessKey: '', authorityPath, configPath: '' }).set,
  )
  return names.filter((name) => environment[name] !== undefined)
}
