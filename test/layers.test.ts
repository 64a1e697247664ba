import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { dirname, join, normalize, relative } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

/**
 * The layer table of `docs/layout.md`, held: which folder may import which, each row with its reason. The longest
 * matching folder decides. A row without a folder, or a folder without a row, fails.
 */
interface Layer {
  readonly folder: string
  readonly mayImport: readonly string[]
  readonly reason: string
}

const EVERYWHERE = [
  'core/errors.ts',
  'core/clock.ts',
  'core/places.ts',
  'core/retry.ts',
  'core/store.ts',
  'core/logger.ts',
  'core/text',
]

const LAYERS: readonly Layer[] = [
  {
    folder: 'core',
    mayImport: [],
    reason: 'errors, clock, retry, places, store and logger stand on nothing',
  },
  {
    folder: 'core/io',
    mayImport: ['core/io'],
    reason: 'the system clock, the file store and the agents serve every shell',
  },
  { folder: 'core/text', mayImport: [], reason: 'text helpers are pure and stand alone' },
  {
    folder: 'core/ssm',
    mayImport: ['core/ssm'],
    reason: 'the session protocol knows no installation and no command',
  },
  { folder: 'core/ssm/io', mayImport: ['core/ssm', 'core/io'], reason: 'the shell around one session' },
  {
    folder: 'core/installation',
    mayImport: ['core/installation'],
    reason: 'what an installation is, for all others',
  },
  {
    folder: 'core/permissions',
    mayImport: ['core/permissions'],
    reason: 'what each command needs, and the policies that follow: data and decisions',
  },
  {
    folder: 'core/health',
    mayImport: ['core/health', 'core/installation', 'core/kube'],
    reason: 'checks as data, and what follows from what they have found',
  },
  {
    folder: 'core/kube',
    mayImport: ['core/kube', 'core/logs', 'core/installation', 'core/io'],
    reason: 'a cluster, however it is reached',
  },
  {
    folder: 'core/snapshots',
    mayImport: ['core/snapshots', 'core/installation'],
    reason: 'policy, schedule, retention, plan and the run are decisions about an installation',
  },
  {
    folder: 'core/snapshots/io',
    mayImport: ['core/snapshots'],
    reason: 'the shell that takes the steps of a run',
  },
  {
    folder: 'core/bastion',
    mayImport: ['core/bastion', 'core/installation', 'core/stack'],
    reason:
      'when a bastion runs, stops and is made anew, and who lets it in: decisions, with ports for a cloud',
  },
  {
    folder: 'core/bastion/io',
    mayImport: ['core/bastion'],
    reason: 'the shell that looks at a bastion and does what was decided',
  },
  {
    folder: 'core/audit',
    mayImport: ['core/audit'],
    reason: 'the lines, events and batches of an audit log, and how far it has been carried away: decisions',
  },
  {
    folder: 'core/audit/io',
    mayImport: ['core/audit'],
    reason: 'the shell that reads the files of an audit log and carries it away',
  },
  { folder: 'core/logs', mayImport: ['core/logs'], reason: 'pure deciders over lines and streams' },
  {
    folder: 'core/tunnel',
    mayImport: ['core/tunnel', 'core/ssm', 'core/kube', 'core/installation'],
    reason: 'joins a session, a cluster and a local port',
  },
  {
    folder: 'core/datastores',
    mayImport: ['core/datastores', 'core/installation'],
    reason: 'which datastore, whose login and how its client is led: decisions',
  },
  {
    folder: 'core/datastores/io',
    mayImport: ['core/datastores', 'core/io', 'core/tunnel'],
    reason: 'the shell around a client: files for it alone, and TLS that is checked',
  },
  {
    folder: 'core/tunnel/control/io',
    mayImport: ['core/tunnel', 'core/io'],
    reason: 'the shell around the control socket of background tunnels: its files and its lock',
  },
  {
    folder: 'core/transfer',
    mayImport: ['core/transfer', 'core/ssm'],
    reason: 'what a copy is made of, carried by sessions without a port',
  },
  {
    folder: 'core/transfer/io',
    mayImport: ['core/transfer', 'core/ssm', 'core/io'],
    reason: 'the files of a copy, and the sessions that carry it',
  },
  {
    folder: 'core/aws',
    mayImport: [
      ...['core/aws', 'core/ssm', 'core/installation', 'core/kube', 'core/snapshots', 'core/io'],
      ...['core/checkpoint', 'core/stack', 'core/bastion', 'core/health', 'core/audit'],
    ],
    reason: 'adapters see the port types of any domain',
  },
  { folder: 'core/billing', mayImport: ['core/billing'], reason: 'what a statement says' },
  {
    folder: 'core/checkpoint',
    mayImport: [
      ...['core/checkpoint', 'core/vendor/rows.ts', 'core/vendor/ledger.ts', 'core/license/ed25519.ts'],
    ],
    reason: 'what is signed about the ledger, whoever keeps it and whichever key signs',
  },
  {
    folder: 'core/stack',
    mayImport: ['core/stack'],
    reason: 'what is deployed, what of it would change, and its names: decisions',
  },
  {
    folder: 'core/egress',
    mayImport: ['core/egress'],
    reason: "sorts what a network's logs show; it reads no log and no ledger itself",
  },
  {
    folder: 'core/image',
    mayImport: ['core/image', 'core/installation/located-document.ts'],
    reason: "what the bastion's image is made of and must be like: decisions about a lock and a machine",
  },
  {
    folder: 'core/image/io',
    mayImport: ['core/image', 'core/io'],
    reason: 'fetches and builds what a lock names, and reads trees and machines',
  },
  {
    folder: 'core/license',
    mayImport: ['core/license'],
    reason: 'what a license says and what follows: decisions, with a port for asking the vendor',
  },
  {
    folder: 'core/vendor',
    mayImport: ['core/vendor', 'core/io'],
    reason: 'the one door out, which knows no license and no command',
  },
  {
    folder: 'functions',
    mayImport: ['functions', 'core'],
    reason: 'an event becomes one call into core; the command line is another shell',
  },
  { folder: 'cli', mayImport: ['cli', 'core'], reason: 'parses, calls one thing in core, renders' },
  {
    folder: 'cli/commands/sandbox',
    mayImport: ['cli', 'core', 'sandbox'],
    reason: 'the only commands that know the sandbox',
  },
  {
    folder: 'sandbox',
    mayImport: [
      'sandbox',
      ...['bytes', 'constants', 'message', 'payloads', 'cipher', 'features', 'smux/frame'].map(
        (n) => `core/ssm/${n}.ts`,
      ),
      // The roles that pgctl prints, as somebody has applied them: the sandbox judges by them with a judge of its own.
      ...['rights', 'role-manifests'].map((n) => `core/kube/${n}.ts`),
      'core/io',
    ],
    reason: 'shares the codecs and never the channel: a shared bug would prove itself',
  },
]

/** Files that reach outside, and so may use the clock, sockets and files. */
const SHELLS = [/\/io\//, /^core\/(aws|kube|vendor)\//]

const FORBIDDEN_IN_PURE_CODE: ReadonlyArray<{ pattern: RegExp; reason: string }> = [
  { pattern: /\bDate\.now\(|new Date\(\)|performance\.now\(/, reason: 'time is an argument' },
  { pattern: /\bset(Timeout|Interval|Immediate)\(/, reason: 'timers belong to the shell' },
  { pattern: /\bMath\.random\(|randomBytes\(|randomUUID\(/, reason: 'chance is an argument' },
  { pattern: /\bprocess\./, reason: 'no process, no environment' },
]

/** Node's own modules that pure code may use: they compute, and touch nothing. */
const PURE_BUILTINS = new Set(['node:crypto', 'node:util', 'node:buffer', 'node:stream', 'node:assert'])

/** Of node:crypto, what gives the same for the same: no keys are made there, and no chance comes in. */
const PURE_CRYPTO = new Set([
  ...['hash', 'createCipheriv', 'createDecipheriv', 'timingSafeEqual'],
  // A signature is checked by arithmetic on its arguments; making one needs a secret, and is not for pure code.
  ...['verify', 'createPublicKey'],
])

const SDKS: ReadonlyArray<{ packages: RegExp; only: RegExp; reason: string }> = [
  {
    packages: /^@aws-sdk\/|^@smithy\//,
    only: /^(core\/aws|sandbox\/aws|sandbox\/agent|test|bench)\//,
    reason: "a cloud's SDK only in its adapter",
  },
  {
    packages: /^@kubernetes\//,
    only: /^(core\/kube|test|bench)\//,
    reason: 'the cluster client only in core/kube',
  },
  { packages: /^@oclif\//, only: /^(cli|bin)\//, reason: 'the command framework only in the CLI' },
]

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const sources: Source[] = []

function importsOf(text: string): string[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g
  return [...text.matchAll(pattern)].map((match) => (match[1] ?? match[2] ?? match[3]) as string)
}

/** The file inside the project that an import names, or undefined for a package. */
function fileOf(importer: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1)
  if (specifier.startsWith('.')) return normalize(join(dirname(importer), specifier))
  return undefined
}

function layerOf(path: string): Layer | undefined {
  return LAYERS.filter((layer) => path.startsWith(`${layer.folder}/`)).sort(
    (a, b) => b.folder.length - a.folder.length,
  )[0]
}

function within(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`)
}

before(async () => {
  for await (const path of glob('{core,cli,functions,sandbox}/**/*.ts', { cwd: root })) {
    const text = readFileSync(join(root, path), 'utf8')
    sources.push({ path: relative(root, join(root, path)), text, imports: importsOf(text) })
  }
  assert.ok(sources.length > 10, 'the sources were not found')
})

describe('layers', () => {
  it('every row names a folder that exists', () => {
    for (const { folder } of LAYERS)
      assert.ok(existsSync(join(root, folder)), `${folder} is in the table and not in the tree`)
  })

  it('every file has a row', () => {
    for (const { path } of sources) assert.ok(layerOf(path), `${path} is in no layer`)
  })

  it('imports go where the table says', () => {
    const wrong = sources.flatMap(({ path, imports }) => {
      const layer = layerOf(path)
      return imports.flatMap((specifier) => {
        const file = fileOf(path, specifier)
        if (file === undefined || layer === undefined) return []
        const allowed = [...layer.mayImport, ...EVERYWHERE].some((place) => within(file, place))
        return allowed ? [] : [`${path} imports ${file}: ${layer.reason}`]
      })
    })
    assert.deepEqual(wrong, [])
  })

  it('an import names a file that exists', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports.flatMap((specifier) => {
        const file = fileOf(path, specifier)
        return file === undefined || existsSync(join(root, file)) ? [] : [`${path} imports ${specifier}`]
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('core outside its shells uses no clock, timer, chance, process, socket or file', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('core/') && !SHELLS.some((shell) => shell.test(path)))
      .flatMap(({ path, text, imports }) => {
        const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        const words = FORBIDDEN_IN_PURE_CODE.filter(({ pattern }) => pattern.test(code)).map(
          ({ reason }) => `${path}: ${reason}`,
        )
        const modules = imports
          .filter((specifier) => specifier.startsWith('node:') && !PURE_BUILTINS.has(specifier))
          .map((specifier) => `${path} imports ${specifier}: pure code reaches nothing outside`)
        const crypto = /import {([^}]*)} from 'node:crypto'/.exec(text)?.[1]?.split(',') ?? []
        const names = crypto
          .map((name) => name.trim())
          .filter((name) => name !== '' && !PURE_CRYPTO.has(name))
          .map((name) => `${path} uses ${name} of node:crypto: it is not the same for the same`)
        return [...words, ...modules, ...names]
      })
    assert.deepEqual(wrong, [])
  })

  it('nothing but core sends anything, and to the vendor only core/vendor does', () => {
    const wrong = sources
      .filter(({ path }) => /^(cli|functions|core\/(license|billing|egress|logs|installation))\//.test(path))
      .flatMap(({ path, text, imports }) => {
        const modules = imports.filter((name) =>
          /^(node:)?(https?|http2|net|tls|dgram|dns)$|^(ws|undici)$/.test(name),
        )
        const calls = /\bfetch\(/.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')) ? ['fetch'] : []
        return [...modules, ...calls].map((name) => `${path} uses ${name}`)
      })
    assert.deepEqual(wrong, [])
    const doors = sources.filter(({ imports }) =>
      imports.some((name) => name.endsWith('/vendor/post.ts') || name === './post.ts'),
    )
    assert.deepEqual(
      doors.map(({ path }) => path),
      ['core/vendor/door.ts'],
    )
  })

  it('an SDK is imported only by its adapter', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      SDKS.filter(
        ({ packages, only }) => imports.some((specifier) => packages.test(specifier)) && !only.test(path),
      ).map(({ reason }) => `${path}: ${reason}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('no import goes in a circle', () => {
    const graph = new Map(
      sources.map(({ path, text }) => [
        path,
        importsOf(text.replace(/(?:^|\n)\s*(?:import|export)\s+type\s[^;]*?from\s*['"][^'"]+['"]/g, ''))
          .map((specifier) => fileOf(path, specifier))
          .filter((file) => file !== undefined),
      ]),
    )
    const state = new Map<string, 'open' | 'done'>()
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') return
      assert.notEqual(state.get(path), 'open', `a circle: ${[...trail, path].join(' → ')}`)
      state.set(path, 'open')
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
      state.set(path, 'done')
    }
    for (const path of graph.keys()) visit(path, [])
  })
})
