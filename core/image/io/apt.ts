import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { archivesOf, installedBy, packageRecords } from '#core/image/apt-answers.ts'
import { runTool } from '#core/image/io/programs.ts'
import type { Architecture, DistributionPackage, Lock } from '#core/image/lock.ts'

/** A distribution's archive, asked with apt in a folder of its own: this computer's packages do not come into it. */

export interface AptOptions {
  readonly distribution: Lock['distribution']
  /** The folder of the lock, which the keyring is beside. */
  readonly folder: string
  /** In whose place the archives are, as `MIRROR/debian`; this computer's own ones unless it is given. */
  readonly mirror?: string | undefined
  readonly signal: AbortSignal
}

/** Asks with its indexes fetched and their signature checked. */
export async function withApt<T>(
  options: AptOptions,
  architecture: Architecture,
  action: (apt: Apt) => Promise<T>,
): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'pgctl-apt-'))
  try {
    const apt = new Apt(root, architecture, options.signal)
    await apt.prepare(options)
    return await action(apt)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

export class Apt {
  readonly #root: string
  readonly #settings: readonly string[]
  readonly #signal: AbortSignal

  constructor(root: string, architecture: Architecture, signal: AbortSignal) {
    this.#root = root
    this.#signal = signal
    const settings = {
      Dir: root,
      'Dir::State::status': join(root, 'status'),
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      'APT::Install-Recommends': '0',
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
    }
    this.#settings = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  }

  async prepare(options: AptOptions): Promise<void> {
    const { distribution, folder, mirror, signal } = options
    for (const path of [
      'etc/apt/preferences.d',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
    ])
      await mkdir(join(this.#root, path), { recursive: true })
    await writeFile(join(this.#root, 'status'), '')
    const { main, security } = await archives(distribution.name, mirror, signal)
    const keyring = join(folder, distribution.keyring)
    await checkKeyring(keyring, distribution.signedBy, signal)
    const suites: [string, string][] = [
      [main, distribution.suite],
      [main, `${distribution.suite}-updates`],
      [security, `${distribution.suite}-security`],
    ]
    const lines = suites.map(([archive, suite]) => `deb [signed-by=${keyring}] ${archive} ${suite} main\n`)
    await writeFile(join(this.#root, 'etc/apt/sources.list'), lines.join(''))
    await this.#run('apt-get', '-qq', 'update', '--error-on=any')
  }

  /** Everything that `wanted` needs in an empty tree, itself and what is essential included. */
  async closure(wanted: readonly string[]): Promise<Omit<DistributionPackage, 'boot'>[]> {
    const simulation = await this.#run('apt-get', '-qq', '-s', 'install', '?essential', ...wanted)
    const found = installedBy(simulation)
    const shown = await this.#run(
      ...(['apt-cache', 'show'] as const),
      ...found.map(({ name, version }) => `${name}=${version}`),
    )
    return packageRecords(shown).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Fetches packages into a folder. */
  async download(packages: readonly DistributionPackage[], folder: string): Promise<void> {
    const names = packages.map(({ name, version }) => `${name}=${version}`)
    await runTool(['apt-get', ...this.#settings, '-qq', 'download', ...names], {
      cwd: folder,
      signal: this.#signal,
    })
  }

  #run(program: string, ...words: string[]): Promise<string> {
    return runTool([program, ...this.#settings, ...words], {
      signal: this.#signal,
      environment: { LC_ALL: 'C.UTF-8' },
    })
  }
}

async function archives(name: string, mirror: string | undefined, signal: AbortSignal) {
  if (mirror !== undefined) return { main: `${mirror}/${name}`, security: `${mirror}/${name}-security` }
  const targets = await runTool(['apt-get', 'indextargets', '--format', '$(REPO_URI)'], { signal })
  const found = archivesOf(targets, name)
  if (found !== undefined) return found
  throw new PgctlError('not-supported', `this computer's apt knows no archive of ${name}`, {
    why: `none of its sources ends in /${name} and /${name}-security`,
    next: 'name one with --mirror URL',
  })
}

/** The keyring holds the keys that the lock names, and no other that a signature could be of. */
async function checkKeyring(path: string, wanted: readonly string[], signal: AbortSignal): Promise<void> {
  const shown = await runTool(['gpg', '--batch', '--show-keys', '--with-colons', path], { signal })
  const keys = [...shown.matchAll(/^pub:.*\n(?:.*\n)*?fpr:{9}([0-9A-F]{40}):/gm)].map(([, key]) => key)
  const [a, b] = [keys, wanted].map((list) => [...new Set(list)].sort().join(' '))
  if (a === b) return
  throw new PgctlError('config-invalid', `${path} does not hold the keys that the lock names`, {
    why: `it holds ${a || 'none'}, and the lock names ${b}`,
    next: 'put the keys of "signedBy" into it, and no other',
  })
}
