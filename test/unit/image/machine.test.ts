import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { installedBy, packageRecords } from '#core/image/apt-answers.ts'
import { kindOf, parseChecks } from '#core/image/checks.ts'
import { formatManifest, manifestDigest, parseManifest } from '#core/image/manifest.ts'
import { pathMatcher } from '#core/image/path-pattern.ts'
import { isLoopback, waitingSockets } from '#core/image/sockets.ts'
import {
  fstabOptions,
  installedPackages,
  mountedOptions,
  openAccounts,
  sysctlSettings,
} from '#core/image/system-files.ts'

/** Checks as data, and the files of a system that they look into. */

describe('the checks', () => {
  it('that are kept are all of one subject, and each says what holds', async () => {
    const text = await readFile(new URL('../../../packer/checks.yaml', import.meta.url), 'utf8')
    const checks = parseChecks(text, 'checks.yaml')
    assert.ok(checks.length > 60)
    for (const check of checks) {
      assert.ok(kindOf(check))
      assert.match(check.says, /^[A-Za-z].*\.$/, check.id)
    }
  })

  for (const { title, text, says } of [
    {
      title: 'name what they do not know, and where',
      text: 'checks:\n  - id: a\n    says: A.\n    packages: { atMots: 3 }\n',
      says: /line 4, column 17: .*unknown key "atMots" \(did you mean atMost\?\)/,
    },
    {
      title: 'ask something',
      text: 'checks:\n  - id: a\n    says: A.\n',
      says: /line 2, column 5: .*a check has one of package/i,
    },
    {
      title: 'ask one thing each',
      text: 'checks:\n  - { id: a, says: A., packages: { atMost: 1 }, size: { atMostMiB: 1 } }\n',
      says: /a check has one of/,
    },
    {
      title: 'have names of their own',
      text: 'checks:\n  - { id: a, says: A., packages: { atMost: 1 } }\n  - { id: a, says: A., packages: { atMost: 2 } }\n',
      says: /two checks have one id/,
    },
    {
      title: 'have patterns that are patterns',
      text: 'checks:\n  - { id: a, says: A., file: { path: /a, linesThatMatch: ["("] } }\n',
      says: /line 2, column 59: .*it is no regular expression/,
    },
    { title: 'are YAML', text: 'checks: [', says: /line 1/ },
  ])
    it(title, () => {
      assert.throws(
        () => parseChecks(text, 'x.yaml'),
        ({ code, why }: { code: string; why: string }) => {
          assert.equal(code, 'config-invalid')
          assert.match(why, says)
          return true
        },
      )
    })
})

describe('files of a system', () => {
  it('tell which packages are installed, and not which were', () => {
    const status = [
      'Package: jq\nStatus: install ok installed\nVersion: 1.7.1-6\nDescription: x\n more\n',
      'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n',
      'Package: half\nStatus: install ok half-configured\nVersion: 1\n',
    ].join('\n')
    assert.deepEqual([...installedPackages(status)], [['jq', '1.7.1-6']])
  })

  it('tell which accounts a password opens', () => {
    const shadow = 'root:!:1::\na:*:1::\nb:!*:1::\nc:$y$j9T$x:1::\nd::1::\n'
    assert.deepEqual(openAccounts(shadow), ['c', 'd'])
  })

  it('tell settings of the kernel, the last one of a name', () => {
    const found = sysctlSettings([
      '# a\nkernel.sysrq = 16\nnet/ipv4/ip_forward=1\n',
      '-kernel.sysrq=0\n; no\n',
    ])
    assert.deepEqual(
      [...found],
      [
        ['kernel.sysrq', '0'],
        ['net.ipv4.ip_forward', '1'],
      ],
    )
  })

  it('tell how something is mounted, the topmost if it is so twice', () => {
    assert.deepEqual(fstabOptions('tmpfs /tmp tmpfs nosuid,nodev 0 0\n', '/tmp'), ['nosuid', 'nodev'])
    assert.equal(fstabOptions('tmpfs /tmp tmpfs nosuid 0 0\n', '/var'), undefined)
    const mounts = '1 0 0:1 / /tmp rw,noexec - tmpfs x rw\n2 0 0:2 / /tmp rw,nosuid shared:1 - tmpfs x rw\n'
    assert.deepEqual(mountedOptions(mounts, '/tmp'), ['rw', 'nosuid'])
  })
})

describe('sockets that wait', () => {
  const HEAD = '  sl  local_address rem_address   st tx_queue\n'

  it('are read out of the tables of the kernel, those that are connected left out', () => {
    const tcp = `${HEAD}   0: 3500007F:0035 00000000:0000 0A 0\n   1: 00000000:0016 00000000:0000 0A 0\n   2: 0100007F:1F90 0100007F:9C40 01 0\n`
    assert.deepEqual(waitingSockets(tcp, 'tcp'), [
      { protocol: 'tcp', address: '127.0.0.53', port: 53 },
      { protocol: 'tcp', address: '0.0.0.0', port: 22 },
    ])
    const tcp6 = `${HEAD}   0: 00000000000000000000000001000000:0CEA 00000000000000000000000000000000:0000 0A 0\n   1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0\n   2: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 0\n`
    assert.deepEqual(
      waitingSockets(tcp6, 'tcp').map(({ address }) => address),
      ['::1', '::', '127.0.0.1'],
    )
    assert.deepEqual(waitingSockets(`${HEAD} 0: 00000000:0044 00000000:0000 07 0\n`, 'udp'), [
      { protocol: 'udp', address: '0.0.0.0', port: 68 },
    ])
  })

  it('are of the loopback or not', () => {
    for (const address of ['127.0.0.1', '127.0.0.53', '::1']) assert.ok(isLoopback(address), address)
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '::127.0.0.1', '1::1'])
      assert.ok(!isLoopback(address), address)
  })
})

describe('what apt answers', () => {
  it('is which packages an installation would bring', () => {
    const said =
      'Inst libc6 (2.41-12 Debian:13.2/stable [amd64])\nConf libc6 (2.41-12)\nInst jq:arm64 [1.6] (1.7 Debian:13)\n'
    assert.deepEqual(installedBy(said), [
      { name: 'libc6', version: '2.41-12' },
      { name: 'jq', version: '1.7' },
    ])
  })

  it('is what is known of a package', () => {
    const record =
      'Package: jq\nVersion: 1.7\nFilename: pool/j/jq.deb\nSize: 12\nSHA256: ab\nDescription: x\n SHA256: no\n'
    assert.deepEqual(packageRecords(`${record}\n\n`), [
      { name: 'jq', version: '1.7', path: 'pool/j/jq.deb', sha256: 'ab', size: 12 },
    ])
  })
})

describe('a manifest', () => {
  it('is read as it was written, and has one digest whatever the order', () => {
    const files = new Map([
      ['/usr/bin/a b', '0755 0:0 aa'],
      ['/etc/x', '0644 0:0 link'],
    ])
    const turned = new Map([...files].reverse())
    assert.deepEqual(parseManifest(formatManifest({ files })).files, turned)
    assert.equal(manifestDigest({ files }), manifestDigest({ files: turned }))
    assert.notEqual(
      manifestDigest({ files }),
      manifestDigest({ files: new Map([['/etc/x', '0600 0:0 link']]) }),
    )
  })
})

describe('patterns of paths', () => {
  it('stand for one folder or for all below', () => {
    const matches = pathMatcher(['/home/*/.ssh/**', '/var/log/**', '/etc/a.b'])
    for (const path of ['/home/x/.ssh/id', '/home/x/.ssh/a/b', '/var/log/a/b', '/etc/a.b'])
      assert.ok(matches(path), path)
    for (const path of ['/home/x/y/.ssh/id', '/home/x/.ssh', '/etc/a-b', '/x/etc/a.b'])
      assert.ok(!matches(path), path)
  })
})
