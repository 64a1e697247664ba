import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import {
  knownHosts,
  parseHostKeys,
  rememberedKeys,
  type SshHost,
  sshConfig,
  sshSession,
} from '#core/tunnel/ssh.ts'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDLNAM1zAAUw17kwlJynStBg'

describe('the keys of a host', () => {
  it('are what its files hold, without comments', () =>
    assert.deepEqual(parseHostKeys(`${KEY} root@host\necdsa-sha2-nistp256 AAAA= \n\n# no key\n`), [
      KEY,
      'ecdsa-sha2-nistp256 AAAA=',
    ]))

  it('that are none are an error, not an empty list', () =>
    assert.throws(
      () => parseHostKeys('cat: /etc/ssh/*: No such file'),
      (error) => isPgctlError(error, 'not-supported'),
    ))

  it('are told for the name that ssh looks for, with a port too', () => {
    assert.equal(knownHosts('acme.pgctl', [KEY]), `acme.pgctl ${KEY}\n`)
    assert.equal(knownHosts('[acme.pgctl]:2222', [KEY]), `[acme.pgctl]:2222 ${KEY}\n`)
    assert.throws(
      () => knownHosts('a b', [KEY]),
      (error) => isPgctlError(error, 'usage'),
    )
  })

  it('are remembered for an hour', () => {
    const value = { keys: [KEY], at: 1_000_000 }
    assert.deepEqual(rememberedKeys(value, 1_000_001), [KEY])
    assert.equal(rememberedKeys(value, 1_000_000 + 3_600_000), undefined)
    assert.equal(rememberedKeys(value, 999_999), undefined)
    for (const other of [undefined, {}, { keys: 'x', at: 1 }, { keys: [1], at: 1 }])
      assert.equal(rememberedKeys(other, 2), undefined)
  })
})

describe('the way of ssh', () => {
  it('is the document that tunnels use, or the one of ssh where that alone is allowed', () => {
    assert.deepEqual(sshSession('forward', 'i-1', 22, 'why').parameters, {
      host: ['localhost'],
      portNumber: ['22'],
    })
    assert.deepEqual(sshSession('ssh', 'i-1', 22, undefined), {
      target: 'i-1',
      document: 'AWS-StartSSHSession',
      parameters: { portNumber: ['22'] },
      reason: undefined,
    })
  })

  it('stands in ssh_config with words that its shell takes as they are, and no percent sign of ours', () => {
    const host: SshHost = {
      host: 'acme.pgctl',
      installation: 'acme',
      program: ['/opt/my node/100%', '/opt/pgctl/main.js'],
      flags: ['--installation', 'acme'],
      user: 'ec2-user',
    }
    const lines = sshConfig([host]).split('\n')
    assert.equal(lines[0], 'Host acme.pgctl')
    assert.ok(lines.includes('  User ec2-user'))
    assert.ok(
      lines.includes(
        "  ProxyCommand '/opt/my node/100%%' /opt/pgctl/main.js ssh-proxy --installation acme --port %p",
      ),
      lines.join('\n'),
    )
    assert.ok(lines.some((line) => line.endsWith('--known-hosts %H')))
    assert.ok(lines.includes('  StrictHostKeyChecking yes'))
  })
})
