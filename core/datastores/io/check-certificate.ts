import { once } from 'node:events'
import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import type { Clock, Ms } from '#core/clock.ts'
import type { Authorities } from '#core/datastores/io/authorities.ts'
import { adviseTrust, describeTrusted } from '#core/datastores/trust.ts'
import { messageOf, PgctlError } from '#core/errors.ts'

/** Whose certificate is wanted, and who may have signed it. */
export interface TlsWish {
  /** What a datastore is called in errors. */
  readonly name: string
  /** The name that the certificate must bear. */
  readonly host: string
  readonly authorities: Authorities
  readonly clock: Clock
}

/** How long a handshake through a tunnel may take. */
const PATIENCE: Ms = 15_000

const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f)

/**
 * TLS on a connection to a datastore whose certificate is of its real name and of an authority that is trusted.
 * When it fails the connection is destroyed.
 * @throws PgctlError `endpoint-unreachable` saying what is wrong with the certificate; `timed-out`.
 */
export async function secureDatastore(socket: Duplex, wish: TlsWish): Promise<TLSSocket> {
  const { host, authorities, clock } = wish
  // What closes the connection below is the cause that is worth telling.
  let broken: Error | undefined
  const secured = connect({
    socket,
    ca: [...authorities.certificates],
    servername: isIP(host) === 0 ? host : '',
    host,
    minVersion: 'TLSv1.2',
  })
  socket.on('error', (error) => {
    broken = error
    secured.destroy(error)
  })
  const cancel = clock.after(PATIENCE, () => secured.destroy(tooLate(wish)))
  try {
    await once(secured, 'secureConnect')
    return secured
  } catch (error) {
    secured.destroy()
    socket.destroy()
    throw broken ?? untrusted(error, wish)
  } finally {
    cancel()
  }
}

/**
 * Checks the certificate of the Postgres behind a port of this computer by a connection of its own, so that what is
 * wrong with it is told in words of ours before a client says less.
 * @throws PgctlError as `secureDatastore`, or where the server offers no TLS.
 */
export async function checkPostgresCertificate(
  near: { readonly address: string; readonly port: number },
  wish: TlsWish,
): Promise<void> {
  const socket = connectTcp(near.port, near.address)
  const cancel = wish.clock.after(PATIENCE, () => socket.destroy(tooLate(wish)))
  try {
    socket.write(SSL_REQUEST)
    const answer = await firstByte(socket)
    if (answer !== 'S')
      throw new PgctlError('endpoint-unreachable', `${wish.name} offers no TLS`, {
        why: `it answers a request for TLS with ${answer === undefined ? 'the end of the connection' : `"${answer}"`}`,
        next: 'see whether it is what you mean: pgctl status',
      })
    const secured = await secureDatastore(socket, wish)
    secured.destroy()
  } finally {
    cancel()
    socket.destroy()
  }
}

/** Undefined where the connection ends first. @throws whatever broke it */
async function firstByte(socket: Duplex): Promise<string | undefined> {
  for (;;) {
    if (socket.errored) throw socket.errored
    const byte = socket.read(1) as Buffer | null
    if (byte !== null) return byte.toString('latin1')
    if (socket.readableEnded || socket.destroyed) return undefined
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')])
  }
}

function tooLate({ name }: TlsWish): PgctlError {
  return new PgctlError('timed-out', `${name} does not answer`, {
    why: `no TLS handshake within ${PATIENCE / 1000} s`,
    next: 'see how it is: pgctl status',
  })
}

function untrusted(error: unknown, { name, host, authorities: { trusted } }: TlsWish): unknown {
  if (error instanceof PgctlError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new PgctlError('endpoint-unreachable', `the certificate of ${name} is not that of ${host}`, {
      why: messageOf(error),
      next: 'check where the name leads from the bastion: something else may answer there',
      cause: error,
    })
  if (!UNTRUSTED.has(code))
    return new PgctlError('endpoint-unreachable', `no TLS with ${name}`, {
      why: messageOf(error),
      next: 'see how it is: pgctl status',
      cause: error,
    })
  return new PgctlError('endpoint-unreachable', `the certificate of ${name} is not trusted`, {
    // Behind the semicolon Node advises those who run Node.
    why: `${messageOf(error).split(';', 1)[0]}; ${describeTrusted(trusted, host)}`,
    next: adviseTrust(trusted, host),
    cause: error,
  })
}

const UNTRUSTED = new Set([
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_UNTRUSTED', 'CERT_REJECTED'],
  ...['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'INVALID_CA', 'CERT_SIGNATURE_FAILURE'],
])
