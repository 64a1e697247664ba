import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Lock } from '#core/image/lock.ts'

/** A mirror on the loopback: a small distribution and one host's file, signed with keys that are made for it. */

const run = promisify(execFile)
const HOST = 'vendor.example'
const AGENT = `files/${HOST}/agent/1.2.0/agent.deb`

export interface ImageMirror extends AsyncDisposable {
  readonly url: string
  /** The lock that goes with it, nothing pinned yet. */
  readonly lock: Lock
  /** Where the lock, and the keys beside it, are. */
  readonly folder: string
  readonly lockFile: string
  /** Puts content in the place of what the mirror has; undefined takes it away. */
  serve(path: string, content: Buffer | undefined): void
  /** What the mirror has. */
  at(path: string): Buffer
  /** A detached signature by the key of the lock, or by a stranger's. */
  sign(content: Buffer, by?: 'vendor' | 'stranger'): Promise<Buffer>
  /** Signs the indexes of the distribution anew. */
  signIndexes(by: 'vendor' | 'stranger'): Promise<void>
  readonly agentPath: string
}

const SUITES = [
  ['debian', 'trixie'],
  ['debian', 'trixie-updates'],
  ['debian-security', 'trixie-security'],
] as const

export async function startImageMirror(): Promise<ImageMirror> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-mirror-'))
  const home = join(folder, 'gnupg')
  await mkdir(home, { mode: 0o700 })
  const gpg = (...words: string[]) => run('gpg', ['--homedir', home, '--batch', '--yes', ...words])
  const fingerprints = { vendor: '', stranger: '' }
  for (const name of ['vendor', 'stranger'] as const) {
    await gpg('--passphrase', '', '--quick-generate-key', `${name}@test.example`, 'ed25519', 'sign', 'never')
    const { stdout } = await gpg('--list-keys', '--with-colons', name)
    fingerprints[name] = /^fpr:{9}([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? ''
  }
  await mkdir(join(folder, 'keys'))
  await gpg('--armor', '--output', join(folder, 'keys/vendor.asc'), '--export', 'vendor')

  const files = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const content = files.get(decodeURIComponent(request.url ?? '').slice(1))
    if (content === undefined) response.writeHead(404).end()
    else response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const signWith = async (by: 'vendor' | 'stranger', content: Buffer, ...how: string[]) => {
    const [from, to] = [join(folder, 'to-sign'), join(folder, 'signed')]
    await writeFile(from, content)
    await gpg('--local-user', by, '--output', to, ...how, from)
    return readFile(to)
  }
  const releases = new Map<string, Buffer>()
  const signIndexes = async (by: 'vendor' | 'stranger') => {
    for (const [place, release] of releases)
      files.set(`${place}/InRelease`, await signWith(by, release, '--clearsign'))
  }

  const indexes = await makePackages(folder, files)
  for (const [archive, suite] of SUITES) {
    const place = `${archive}/dists/${suite}`
    const lines: string[] = []
    for (const architecture of ['amd64', 'arm64']) {
      const index = Buffer.from(suite === 'trixie' ? (indexes.get(architecture) ?? '') : '')
      files.set(`${place}/main/binary-${architecture}/Packages`, index)
      lines.push(` ${sha256(index)} ${index.length} main/binary-${architecture}/Packages`)
    }
    const head = `Suite: ${suite}\nCodename: ${suite}\nDate: Wed, 25 Nov 2026 00:00:00 UTC\n`
    releases.set(
      place,
      Buffer.from(`${head}Architectures: amd64 arm64\nComponents: main\nSHA256:\n${lines.join('\n')}\n`),
    )
  }
  await signIndexes('vendor')

  const sign: ImageMirror['sign'] = (content, by = 'vendor') => signWith(by, content, '--detach-sign')
  const agent = Buffer.from('the package of an agent\n')
  files.set(AGENT, agent)
  files.set(`${AGENT}.sig`, await sign(agent))

  const lock = lockFor(fingerprints.vendor)
  const lockFile = join(folder, 'tools.lock.json')
  await writeFile(lockFile, JSON.stringify(lock))
  return {
    url,
    lock,
    folder,
    lockFile,
    agentPath: AGENT,
    serve: (path, content) => void (content === undefined ? files.delete(path) : files.set(path, content)),
    at: (path) => files.get(path) as Buffer,
    sign,
    signIndexes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await run('gpgconf', ['--homedir', home, '--kill', 'all']).catch(() => undefined)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** One essential package, one that is wanted, and one that it stands on: the index of each architecture. */
async function makePackages(folder: string, files: Map<string, Buffer>): Promise<Map<string, string>> {
  const indexes = new Map<string, string>()
  for (const architecture of ['amd64', 'arm64']) {
    const records: string[] = []
    for (const [name, more] of [
      ['base', 'Essential: yes\n'],
      ['hello', 'Depends: greeting (>= 1)\n'],
      ['greeting', ''],
      ['kernel', ''],
      ['unwanted', ''],
    ] as const) {
      const tree = join(folder, 'package')
      const head = `Package: ${name}\nVersion: 1:2.0-1\nArchitecture: ${architecture}\nMaintainer: a test\n`
      await mkdir(join(tree, 'DEBIAN'), { recursive: true })
      await writeFile(join(tree, 'DEBIAN/control'), `${head}${more}Description: of a test\n`)
      const path = `pool/main/${name}_2.0-1_${architecture}.deb`
      await run('dpkg-deb', ['--root-owner-group', '--build', tree, join(folder, 'made.deb')])
      const content = await readFile(join(folder, 'made.deb'))
      files.set(`debian/${path}`, content)
      const file = `Filename: ${path}\nSize: ${content.length}\nSHA256: ${sha256(content)}\n`
      records.push(`${head}${more}${file}Description: of a test\n`)
      await rm(tree, { recursive: true })
    }
    indexes.set(architecture, records.join('\n'))
  }
  return indexes
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

function lockFor(fingerprint: string): Lock {
  const url = `https://${HOST}/${dirname(AGENT).split('/').slice(2).join('/')}/agent.deb`
  return {
    lock: 1,
    kubernetes: '1.33',
    go: '1.26.8',
    tools: [
      {
        name: 'agent',
        version: '1.2.0',
        licence: 'Apache-2.0',
        sha256: { amd64: null, arm64: null },
        atLeast: { version: '1.1.0', because: 'what was before it was worse' },
        from: 'file',
        url: { amd64: url, arm64: url },
        signature: { kind: 'openpgp', key: 'keys/vendor.asc', fingerprint, suffix: '.sig' },
      },
    ],
    distribution: {
      name: 'debian',
      suite: 'trixie',
      signedBy: [fingerprint],
      keyring: 'keys/vendor.asc',
      wanted: { hello: { licence: 'MIT', for: 'greeting' } },
      wantedToBoot: { amd64: ['kernel'], arm64: ['kernel'] },
      packages: { amd64: [], arm64: [] },
    },
  }
}
