import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TLSSocket } from 'node:tls'
import { type Authorities, namedAuthorities, usualAuthorities } from '#core/datastores/io/authorities.ts'
import { checkPostgresCertificate } from '#core/datastores/io/check-certificate.ts'
import { rdsAuthorities, rootsOf } from '#core/datastores/io/rds-authorities.ts'
import { isPgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type Authority, createAuthority, type IssuedCertificate } from '#sandbox/certificates.ts'

/** Whose signature on a database's certificate is taken, by handshakes with a server that shows one. */

const HOST = 'hermes.3g6aqh0fmpfn.eu-central-1.rds.amazonaws.com'
const PROXY = 'pool.proxy-3g6aqh0fmpfn.eu-central-1.rds.amazonaws.com'
const FAR = 'hermes.3g6aqh0fmpfn.il-central-1.rds.amazonaws.com'
const TIMEOUT = { timeout: 20_000 }

describe('the certificate of a database', { timeout: 60_000 }, () => {
  /** Bears the name of a root of RDS, as a new one would. */
  let authority: Authority
  let file: string
  let port: number
  const parts = new AsyncDisposableStack()

  before(async () => {
    authority = await createAuthority('Amazon RDS eu-central-1 Root CA ECC384 G1')
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-trust-'))
    parts.defer(() => rm(folder, { recursive: true }))
    file = join(folder, 'ca.pem')
    await writeFile(file, authority.certificate)
    port = await serve(await authority.issue({ names: [HOST, PROXY, FAR] }), parts)
  })
  after(() => parts.disposeAsync())

  const check = (host: string, authorities: Authorities) =>
    checkPostgresCertificate(
      { address: '127.0.0.1', port },
      { name: 'postgres', host, authorities, clock: systemClock },
    )
  const refusal = async (host: string, authorities: Authorities) => {
    const error = await check(host, authorities).then(
      () => assert.fail('it was taken'),
      (thrown) => thrown,
    )
    assert.ok(isPgctlError(error, 'endpoint-unreachable'), String(error))
    return error
  }
  const ofRegion = (region: string, certificates: readonly string[]): Authorities => ({
    certificates: rootsOf(region, certificates),
    trusted: { kind: 'rds', region },
  })

  it('is taken under the real name from a root of its region', TIMEOUT, async () => {
    const carried = [...(await rdsAuthorities('eu-central-1')), ...(await rdsAuthorities('us-east-1'))]
    await check(HOST, ofRegion('eu-central-1', [...carried, authority.certificate]))
  })

  it('is not taken from the root of another region', TIMEOUT, async () => {
    const carried = await rdsAuthorities('us-east-1')
    const error = await refusal(HOST, ofRegion('us-east-1', [...carried, authority.certificate]))
    assert.match(error.message, /^the certificate of postgres is not trusted$/)
  })

  it('is not taken under another name, whoever has signed it', TIMEOUT, async () => {
    const other = HOST.replace('hermes', 'zeus')
    const error = await refusal(other, ofRegion('eu-central-1', [authority.certificate]))
    assert.match(error.message, /is not that of zeus\./)
  })

  it('of RDS is not taken for what this computer trusts beside', TIMEOUT, async () => {
    const error = await refusal(HOST, await usualAuthorities(HOST, { AWS_CA_BUNDLE: file }))
    assert.match(
      error.why ?? '',
      /; trusted are the authorities of RDS in eu-central-1, as pgctl carries them, and no others$/,
    )
    assert.match(
      error.next ?? '',
      /curl -fo rds-ca\.pem https:\S+\/eu-central-1\/eu-central-1-bundle\.pem\), and add --ca/,
    )
  })

  it('is taken from a file that was named, and from that alone', TIMEOUT, async () => {
    await check(HOST, namedAuthorities(file))
    const other = `${file}.other`
    await writeFile(other, (await rdsAuthorities('eu-central-1')).join(''))
    const error = await refusal(HOST, namedAuthorities(other))
    assert.match(error.why ?? '', /trusted are the authorities in \S+ca\.pem\.other and no others$/)
    assert.match(error.next ?? '', /without --ca, PGCTL_CA and `ca`, those of RDS count/)
  })

  it(
    'of a proxy of RDS is taken from whom this computer trusts, as that of a public authority',
    TIMEOUT,
    async () => {
      await check(PROXY, await usualAuthorities(PROXY, { AWS_CA_BUNDLE: file }))
      const error = await refusal(PROXY, await usualAuthorities(PROXY, {}))
      assert.match(error.why ?? '', /trusted are the authorities that this computer trusts$/)
      assert.match(error.next ?? '', /a public authority here/)
    },
  )

  it('says of a region whose roots are not carried where they are to be had', TIMEOUT, async () => {
    await check(FAR, await usualAuthorities(FAR, { AWS_CA_BUNDLE: file }))
    const error = await refusal(FAR, await usualAuthorities(FAR, {}))
    assert.match(error.why ?? '', /; pgctl carries none of RDS in il-central-1$/)
    assert.match(error.next ?? '', /https:\S+\/il-central-1\/il-central-1-bundle\.pem/)
  })
})

/** A database as far as its greeting: whoever asks for TLS is shown the certificate. */
async function serve({ certificate, key }: IssuedCertificate, parts: AsyncDisposableStack): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('data', () => {
      socket.write('S')
      new TLSSocket(socket, { isServer: true, cert: certificate, key }).on('error', () => {})
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  parts.defer(async () => {
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return (server.address() as AddressInfo).port
}
