import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { messageOf, PgctlError } from '#core/errors.ts'

/**
 * Makes this thread trust the authorities of a file that NODE_EXTRA_CA_CERTS names: Node itself reads that variable
 * once, when the process starts, and a thread may serve somebody who has set another.
 * @throws PgctlError `config-invalid` where it cannot be read.
 */
export function trustExtraAuthorities(path: string): void {
  try {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(path, 'utf8')])
  } catch (error) {
    throw new PgctlError(
      'config-invalid',
      `cannot read the certificate authorities of NODE_EXTRA_CA_CERTS, ${path}`,
      {
        why: messageOf(error),
        next: 'name a PEM file that exists, or unset NODE_EXTRA_CA_CERTS',
        cause: error,
      },
    )
  }
}
