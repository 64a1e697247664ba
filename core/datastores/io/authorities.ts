import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { rdsAuthorities } from '#core/datastores/io/rds-authorities.ts'
import { rdsRegion } from '#core/datastores/rds-name.ts'
import type { Trusted } from '#core/datastores/trust.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Environment } from '#core/io/outbound.ts'

/** Who may have signed a datastore's certificate. */
export interface Authorities {
  /** PEM, one or several in each. */
  readonly certificates: readonly string[]
  readonly trusted: Trusted
}

/**
 * Those of a file that was named, and no other.
 * @throws PgctlError `config-invalid` for a file that cannot be read, or holds no certificate.
 */
export function namedAuthorities(file: string): Authorities {
  return {
    certificates: [readPem(file, 'the file of authorities')],
    trusted: { kind: 'named', file },
  }
}

/**
 * Those that count for a host where no file is named: for a database of RDS its authorities in that region alone, as
 * no computer's store has them; for all else, and where pgctl carries none, whom this computer trusts for AWS: the
 * usual ones, those of `NODE_EXTRA_CA_CERTS` and of `AWS_CA_BUNDLE`.
 * @throws PgctlError `config-invalid` for a file of `AWS_CA_BUNDLE` that cannot be read, or holds no certificate.
 */
export async function usualAuthorities(host: string, environment: Environment): Promise<Authorities> {
  const region = rdsRegion(host)
  const certificates = region === undefined ? [] : await rdsAuthorities(region)
  if (region !== undefined && certificates.length > 0)
    return { certificates, trusted: { kind: 'rds', region } }
  const bundle = environment['AWS_CA_BUNDLE'] || undefined
  const extra = bundle === undefined ? [] : [readPem(bundle, 'the file that AWS_CA_BUNDLE names')]
  return { certificates: [...getCACertificates('default'), ...extra], trusted: { kind: 'computer' } }
}

function readPem(path: string, what: string): string {
  const refuse = (why: string, cause?: unknown) =>
    new PgctlError('config-invalid', `cannot use ${what}, ${path}`, {
      why,
      next: 'name a PEM file with the certificates of authorities',
      cause,
    })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw refuse(messageOf(error), error)
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw refuse('it holds no certificate')
  return text
}
