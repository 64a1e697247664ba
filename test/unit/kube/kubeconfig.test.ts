import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { execCredential, kubeconfig } from '#core/kube/kubeconfig.ts'

describe('kubeconfig', () => {
  const parts = {
    name: 'pgctl-acme',
    server: 'https://127.0.0.1:40123',
    tlsServerName: 'abc.gr7.eu-central-1.eks.amazonaws.com',
    ca: '-----BEGIN CERTIFICATE-----\n',
    namespace: 'paragon',
    plugin: ['node', 'main.js', 'cluster-token', '--installation', 'acme'] as const,
  }

  it('leads through the tunnel, checks the real name, and holds no token', () => {
    const config = kubeconfig(parts) as Record<string, never>
    assert.deepEqual(config['clusters'], [
      {
        name: 'pgctl-acme',
        cluster: {
          server: 'https://127.0.0.1:40123',
          'tls-server-name': 'abc.gr7.eu-central-1.eks.amazonaws.com',
          'certificate-authority-data': Buffer.from(parts.ca).toString('base64'),
        },
      },
    ])
    assert.deepEqual(config['contexts'], [
      { name: 'pgctl-acme', context: { cluster: 'pgctl-acme', user: 'pgctl-acme', namespace: 'paragon' } },
    ])
    assert.equal(config['current-context'], 'pgctl-acme')
    assert.doesNotMatch(JSON.stringify(config), /"token"/)
  })

  it('has the token printed by a program that asks nobody anything', () => {
    const [{ user }] = (kubeconfig(parts) as { users: [{ user: object }] }).users
    assert.deepEqual(user, {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: 'node',
        args: ['main.js', 'cluster-token', '--installation', 'acme'],
        interactiveMode: 'Never',
        provideClusterInfo: false,
      },
    })
  })
})

describe('execCredential', () => {
  it('says until when the token is good, never too late', () => {
    const expires = Date.UTC(2026, 10, 26, 12, 0, 0, 999)
    assert.deepEqual(execCredential({ value: 'k8s-aws-v1.abc', expires }), {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'k8s-aws-v1.abc', expirationTimestamp: '2026-11-26T12:00:00Z' },
    })
  })
})
