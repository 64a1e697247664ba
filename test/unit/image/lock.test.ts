import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { judgeLock } from '#core/image/judge-lock.ts'
import { formatLock, type Lock, parseLock } from '#core/image/lock.ts'
import { lockChanges } from '#core/image/lock-changes.ts'
import { compareVersions } from '#core/image/versions.ts'

/** The lock of the image: what it may say, what is wrong with it, and what has changed. */

const path = new URL('../../../packer/tools.lock.json', import.meta.url)
const text = await readFile(path, 'utf8')
const own = () => parseLock(text, 'tools.lock.json')
const withTool = (name: string, change: object): Lock => {
  const lock = own()
  return {
    ...lock,
    tools: lock.tools.map((tool) => (tool.name === name ? { ...tool, ...change } : tool)),
  } as Lock
}

describe('the lock that is kept', () => {
  it('is in its own form, so that an update changes only what has changed', () => {
    assert.equal(formatLock(own()), text)
  })

  it('lacks the agent alone, whose host could not be reached and whose present key is not known', () => {
    assert.deepEqual(
      judgeLock(own()).map(({ name, what }) => [name, what]),
      [
        ['amazon-ssm-agent', 'unpinned'],
        ['amazon-ssm-agent', 'unsigned'],
      ],
    )
  })

  it('has no version that is not exact', () => {
    for (const { version } of own().tools) assert.match(version, /^\d+\.\d+\.\d+/)
  })

  it('names no two files by one digest', () => {
    const { tools, distribution } = own()
    for (const architecture of ['amd64', 'arm64'] as const) {
      const digests = [
        ...tools.map(({ sha256 }) => sha256[architecture]).filter((digest) => digest !== null),
        ...distribution.packages[architecture].map(({ sha256 }) => sha256),
      ]
      assert.equal(new Set(digests).size, digests.length)
    }
  })
})

describe('what is wrong with a lock', () => {
  const judged = (lock: Lock) => judgeLock(lock).map(({ name, what }) => `${name} ${what}`)

  it('is a kubectl more than one minor version away from the cluster', () => {
    for (const [version, skewed] of [
      ['1.31.9', true],
      ['1.32.0', false],
      ['1.33.6', false],
      ['1.34.4', false],
      ['1.35.0', true],
    ] as const)
      assert.equal(judged(withTool('kubectl', { version })).includes('kubectl skewed'), skewed, version)
  })

  it('is an agent that is too old', () => {
    for (const [version, old] of [
      ['3.3.4851.0', true],
      ['3.3.5067.9', true],
      ['3.3.5068.0', false],
      ['3.10.0.0', false],
    ] as const)
      assert.equal(
        judged(withTool('amazon-ssm-agent', { version })).includes('amazon-ssm-agent too-old'),
        old,
        version,
      )
  })

  it('is a tool without a digest, for the architectures that are asked', () => {
    const lock = withTool('helm', { sha256: { amd64: 'a'.repeat(64), arm64: null } })
    assert.ok(judgeLock(lock, ['arm64']).some(({ name, what }) => name === 'helm' && what === 'unpinned'))
    assert.ok(!judgeLock(lock, ['amd64']).some(({ name }) => name === 'helm'))
  })

  it('is a package that is wanted and not locked, and one that is locked twice', () => {
    const lock = own()
    const packages = lock.distribution.packages.amd64
    const change = (amd64: typeof packages) => ({
      ...lock,
      distribution: { ...lock.distribution, packages: { ...lock.distribution.packages, amd64 } },
    })
    assert.ok(judged(change(packages.filter(({ name }) => name !== 'jq'))).includes('jq missing'))
    assert.ok(
      judged(change([...packages, ...packages.slice(0, 1)])).some((finding) => finding.endsWith(' twice')),
    )
  })
})

describe('a lock that cannot be used', () => {
  const refused = (changed: string) => {
    try {
      parseLock(changed, 'a.lock.json')
    } catch (error) {
      assert.ok(isPgctlError(error, 'config-invalid'))
      return `${error.message}: ${error.why}`
    }
    assert.fail('it is taken')
  }

  for (const { title, from, to, says } of [
    {
      title: 'has a key that is not known, and the line says where',
      from: '"licence": "Apache-2.0",',
      to: '"license": "Apache-2.0",',
      says: /line 9, column 7: tools\.0: unknown key "license" \(did you mean licence\?\)/,
    },
    {
      title: 'has the newest of something',
      from: '"3.3.5068.0"',
      to: '"latest"',
      says: /line 8, column 7: .*never "latest"/,
    },
    {
      title: 'has a digest that is none',
      from: /"amd64": "091f/,
      to: '"amd64": "09',
      says: /line \d+, column \d+: tools\.1\.sha256\.amd64: a sha256 has 64 digits/,
    },
    {
      title: 'fetches without encryption',
      from: '"https://s3.amazonaws.com',
      to: '"http://s3.amazonaws.com',
      says: /line \d+, column \d+: tools\.0\.url\.amd64/,
    },
    {
      title: 'comes from nowhere that is known',
      from: '"from": "go"',
      to: '"from": "curl"',
      says: /line \d+, column \d+: tools\.1\.from/,
    },
    { title: 'is of another form', from: '"lock": 1', to: '"lock": 2', says: /line 2, column 3: lock:/ },
    { title: 'is cut off', from: /\}\s*$/, to: '', says: /line \d+, column \d+: / },
    {
      title: 'says a thing twice',
      from: '"lock": 1,',
      to: '"lock": 1, "lock": 1,',
      says: /line 2, column 14: "lock" stands there a second time/,
    },
  ])
    it(title, () => {
      const changed = text.replace(from, to)
      assert.notEqual(changed, text)
      assert.match(refused(changed), says)
    })

  it('gives a typed error, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (anything) => {
        assert.match(refused(anything), /cannot use the image's lock a\.lock\.json/)
      }),
    )
  })
})

describe('what has changed in a lock', () => {
  it('is nothing between one and itself', () => assert.deepEqual(lockChanges(own(), own()), []))

  it('tells a newer version from other content of the same', () => {
    const newer = withTool('helm', {
      version: '3.21.0',
      sha256: { amd64: 'a'.repeat(64), arm64: 'b'.repeat(64) },
    })
    assert.deepEqual(
      lockChanges(own(), newer).map(({ name, kind, before, after }) => [name, kind, before, after]),
      [['helm', 'version', '3.20.2', '3.21.0']],
    )
    const other = withTool('helm', { sha256: { amd64: 'a'.repeat(64), arm64: 'b'.repeat(64) } })
    assert.deepEqual(
      lockChanges(own(), other).map(({ kind }) => kind),
      ['swapped', 'swapped'],
    )
  })
})

describe('versions', () => {
  it('are compared as Debian does', () => {
    const inOrder = [
      '1.0~rc1',
      '1.0',
      '1.0-1',
      '1.0-1+b1',
      '1.0-1+deb13u1',
      '1.0-2',
      '1.0a',
      '1.2',
      '1.10',
      '1:0.1',
      '2:0',
    ]
    for (const [at, version] of inOrder.entries())
      for (const [other, against] of inOrder.entries())
        assert.equal(
          Math.sign(compareVersions(version, against)),
          Math.sign(at - other),
          `${version} ${against}`,
        )
  })

  it('are in one order, whichever is asked first', () => {
    const version = fc.stringMatching(/^(\d:)?[0-9a-z.~+]{1,8}(-[0-9a-z.~+]{1,4})?$/)
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        assert.equal(Math.sign(compareVersions(a, b)), -Math.sign(compareVersions(b, a)))
        assert.equal(compareVersions(a, a), 0)
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0)
      }),
    )
  })
})
