import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Environment } from '#core/io/outbound.ts'

/** Who may have signed a datastore's certificate, PEM. */
export interface Authorities {
  readonly certificates: readonly string[]
  /** The file that was named, if one was. */
  readonly file: string | undefined
}

/**
 * Of a file that is named, those in it and no other; else all that this computer trusts for AWS: the usual ones, those
 * of `NODE_EXTRA_CA_CERTS` and of `AWS_CA_BUNDLE`. The authorities of RDS are among none of them.
 * @throws PgctlError `config-invalid` for a file that cannot be read, or holds no certificate.
 */
export function readAuthorities(file: string | undefined, environment: Environment): Authorities {
  if (file !== undefined) return { certificates: [readPem(file, 'the file of authorities')], file }
  const bundle = environment['AWS_CA_BUNDLE'] || undefined
  const extra = bundle === undefined ? [] : [readPem(bundle, 'the file that AWS_CA_BUNDLE names')]
  return { certificates: [...getCACertificates('default'), ...extra], file }
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
