import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { createAuthority } from '#sandbox/certificates.ts'

describe('certificates of the sandbox', { timeout: 20_000 }, () => {
  it('a certificate carries its names and the loopback addresses, signed by the authority', async () => {
    const authority = await createAuthority()
    const issued = await authority.issue({ names: ['api.example', 'localhost'], addresses: ['10.0.0.7'] })
    const root = new X509Certificate(authority.certificate)
    const leaf = new X509Certificate(issued.certificate)
    assert.equal(root.ca, true)
    assert.equal(leaf.ca, false)
    assert.ok(leaf.verify(root.publicKey))
    for (const name of ['api.example', 'localhost']) assert.equal(leaf.checkHost(name), name)
    for (const address of ['127.0.0.1', '::1', '10.0.0.7']) assert.equal(leaf.checkIP(address), address)
    assert.equal(leaf.checkHost('other.example'), undefined)
  })

  it('a client that trusts the authority accepts it, and one that trusts another refuses', async () => {
    const [ours, another] = await Promise.all([createAuthority(), createAuthority()])
    const { certificate, key } = await ours.issue({ names: ['api.example'] })
    await using server = createServer({ cert: certificate, key })
    server.on('tlsClientError', () => {})
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo

    const dial = (ca: string) => connect({ host: '127.0.0.1', port, servername: 'api.example', ca })
    const trusted = dial(ours.certificate)
    await once(trusted, 'secureConnect')
    assert.equal(trusted.authorized, true)
    trusted.destroy()

    const wary: TLSSocket = dial(another.certificate)
    const [error] = await once(wary, 'error').catch((thrown) => [thrown])
    assert.match(error.message, /unable to verify|self-signed|signature failure|unable to get/i)
    wary.destroy()
  })
})
