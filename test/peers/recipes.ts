import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peersFolder, sourceOf } from './places.ts'
import { runStep, type StepOptions } from './steps.ts'
import type { Peer, Recipe } from './table.ts'

/** How each kind of peer is built in an empty folder; what comes out is `bin/NAME` in it. */

export interface Build {
  readonly peer: Peer
  /** Empty, and moved to its place afterwards: nothing in it may know its own path. */
  readonly folder: string
  readonly log: string
  readonly signal: AbortSignal
}

type RecipeOf<Kind extends Recipe['kind']> = Extract<Recipe, { kind: Kind }>

/** Builds one peer. @throws Error when a step fails; the folder is then of no use. */
export async function buildPeer(build: Build): Promise<void> {
  const { recipe } = build.peer
  switch (recipe.kind) {
    case 'go':
      return buildGoPackage(build, recipe)
    case 'go-main':
      return buildGoMain(build, recipe)
    case 'kubernetes':
      return buildKubernetes(build)
    case 'go-tree':
      return buildGoTree(build, recipe)
    case 'pip':
      return buildEnvironment(build, recipe)
    case 'cargo':
      return buildRust(build, recipe)
    case 'image':
      return buildTree(build)
    case 'apt':
      throw new Error('packages of the system are installed together')
  }
}

// ── Go ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** No toolchain but the one that is here; a module's files are completed as the build finds out what it needs. */
const GO = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOWORK: 'off', CGO_ENABLED: '0' }

const goOptions = ({ log, signal }: Build, cwd: string, flags = GO.GOFLAGS): StepOptions => ({
  cwd,
  environment: { ...GO, GOFLAGS: flags },
  log,
  signal,
})

/** A folder for our wrapper module, which is gone when the peer is whole. */
async function withModule(build: Build, action: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(build.folder, 'module')
  await mkdir(folder)
  await action(folder)
  await rm(folder, { recursive: true })
}

const goBuild = (build: Build, cwd: string, target: string, ldflags = '', options = goOptions(build, cwd)) =>
  runStep(
    [
      'go',
      'build',
      '-ldflags',
      `-s -w ${ldflags}`.trim(),
      '-o',
      join(build.folder, 'bin', build.peer.name),
      target,
    ],
    options,
  )

/** Where a module has been unpacked, its module file, and its sum, which the checksum database has signed. */
async function downloadModule(build: Build, folder: string, module: string) {
  const spec = `${module}@v${build.peer.version}`
  const described = await runStep(['go', 'mod', 'download', '-json', spec], goOptions(build, folder))
  return JSON.parse(described) as { GoMod: string; Dir: string; Sum: string }
}

async function requireModule(build: Build, folder: string, module: string): Promise<void> {
  await runStep(['go', 'mod', 'init', 'pgctl.test/peer'], goOptions(build, folder))
  await runStep(['go', 'get', `${module}@v${build.peer.version}`], goOptions(build, folder))
}

const buildGoPackage = (build: Build, recipe: RecipeOf<'go'>) =>
  withModule(build, async (folder) => {
    await requireModule(build, folder, recipe.module)
    await goBuild(build, folder, recipe.package, recipe.ldflags)
  })

const buildGoMain = (build: Build, recipe: RecipeOf<'go-main'>) =>
  withModule(build, async (folder) => {
    const main = `package main\n\nimport (\n\t"os"\n\t"${recipe.package}"\n)\n\nfunc main() { ${recipe.call} }\n`
    await writeFile(join(folder, 'main.go'), main)
    await requireModule(build, folder, recipe.module)
    await goBuild(build, folder, '.')
  })

/** The main files of Kubernetes' commands. */
const KUBERNETES_MAINS: Readonly<Record<string, string>> = {
  'kube-apiserver': 'kube-apiserver/apiserver.go',
  'kube-controller-manager': 'kube-controller-manager/controller-manager.go',
  kubectl: 'kubectl/kubectl.go',
}

const buildKubernetes = (build: Build) =>
  withModule(build, async (folder) => {
    const { name, version } = build.peer
    const { GoMod, Dir } = await downloadModule(build, folder, 'k8s.io/kubernetes')
    await writeFile(join(folder, 'go.mod'), wrapKubernetes(await readFile(GoMod, 'utf8'), version))
    const main = await readFile(join(Dir, 'cmd', KUBERNETES_MAINS[name] ?? ''), 'utf8')
    await mkdir(join(folder, 'cmd'))
    await writeFile(join(folder, 'cmd', 'main.go'), main)
    const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
      .map((package_) => `-X ${package_}.gitVersion=v${version}`)
      .join(' ')
    await goBuild(build, folder, './cmd', stamp)
  })

/** What a module replaces holds only where it is the main one, and the cache that it is unpacked in is read-only. */
const buildGoTree = (build: Build, { module, sum }: RecipeOf<'go-tree'>) =>
  withModule(build, async (folder) => {
    const { Dir, Sum } = await downloadModule(build, folder, module)
    if (Sum !== sum) throw new Error(`${module} has the sum ${Sum}, and not ${sum}`)
    await runStep(['sh', '-c', 'cp -R "$0/." . && chmod -R u+w .', Dir], goOptions(build, folder))
    await goBuild(build, folder, '.', '', goOptions(build, folder, '-mod=readonly'))
  })

/**
 * The module file of a wrapper around Kubernetes' own. There, its staging modules have version 0.0.0 and are replaced
 * by folders, which a module that requires it does not see: they get their published versions instead.
 */
export function wrapKubernetes(goMod: string, version: string): string {
  const staged = /^\t(k8s\.io\/[a-z-]+) v0\.0\.0( \/\/ indirect)?$/gm
  const published = `v0.${version.replace(/^1\./, '')}`
  const names = [...goMod.matchAll(staged)].map(([, name]) => name)
  const body = goMod
    .replace(/^module .*$/m, 'module pgctl.test/kubernetes')
    .replace(staged, (_, name: string, indirect = '') => `\t${name} ${published}${indirect}`)
    .replace(/^replace \([\s\S]*?^\)\n?/m, '')
  const replacements = names.map((name) => `\t${name} => ${name} ${published}\n`).join('')
  return `${body}\nrequire k8s.io/kubernetes v${version}\n\nreplace (\n${replacements})\n`
}

// ── Python ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The scripts that pip makes name the environment's path, which changes; `python -m` finds it from its own place. */
async function buildEnvironment(build: Build, recipe: RecipeOf<'pip'>): Promise<void> {
  const options: StepOptions = { cwd: build.folder, log: build.log, signal: build.signal }
  await runStep(['python3', '-m', 'venv', build.folder], options)
  const pip = ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--retries', '5']
  // What it stands on is pinned as well: it was seen to work with these.
  const constraints = join(sourceOf('constraints'), `${build.peer.name}.txt`)
  const words = [...pip, '--constraint', constraints, ...recipe.requirements, ...(recipe.beside ?? [])]
  await runStep([join(build.folder, 'bin', 'python'), ...words], options)
  const program = join(build.folder, 'bin', build.peer.name)
  await rm(program, { force: true })
  await writeFile(program, `#!/bin/sh\nexec "$(dirname "$0")/python" -m ${recipe.module} "$@"\n`)
  await chmod(program, 0o755)
}

// ── Rust ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function buildRust(build: Build, recipe: RecipeOf<'cargo'>): Promise<void> {
  const folder = join(build.folder, 'source')
  await cp(sourceOf(recipe.source), folder, { recursive: true })
  const target = join(build.folder, 'target')
  const environment = { CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never', CARGO_NET_RETRY: '5' }
  await runStep(['cargo', 'build', '--release'], {
    cwd: folder,
    environment,
    log: build.log,
    signal: build.signal,
  })
  await mkdir(join(build.folder, 'bin'))
  await cp(join(target, 'release', build.peer.name), join(build.folder, 'bin', build.peer.name))
  await Promise.all([folder, target].map((path) => rm(path, { recursive: true })))
}

// ── The bastion's image ─────────────────────────────────────────────────────────────────────────────────────────

/** What cannot be fetched from where the tests run: the vendor's own host is none of the registries. */
export const NOT_IN_THE_TREE = ['amazon-ssm-agent'] as const

/**
 * The same commands as an image is built with. What they fetch stays, and is checked anew the next time. An archive
 * keeps a version only until the next one: where it has moved on since the lock was made, a copy of the lock with its
 * packages renewed is what this tree is made by. That copy lies beside the tree.
 */
async function buildTree({ folder, log, signal }: Build): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const parts = join(peersFolder(), 'image-parts')
  const options: StepOptions = { cwd: root, log, signal }
  const without = NOT_IN_THE_TREE.flatMap((name) => ['--without', name])
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const image = (...words: string[]) => runStep([process.execPath, 'bin/dev.js', 'image', ...words], options)
  const fetchBy = (lock: string) =>
    image('fetch', lock, '--boot', '--architecture', architecture, '--into', parts, ...without)
  const renewed = join(folder, 'lock')
  try {
    await fetchBy('packer/tools.lock.json')
  } catch {
    signal.throwIfAborted()
    // Keys and modules lie beside a lock.
    for (const name of ['tools.lock.json', 'keys', 'go'])
      await cp(join(root, 'packer', name), join(renewed, name), { recursive: true })
    // What it still lacks is the agent, of which it says so with its exit status.
    const update = `"$0" bin/dev.js image lock "$1" --update --packages || [ $? = 5 ]`
    await runStep(['sh', '-c', update, process.execPath, join(renewed, 'tools.lock.json')], options)
    await fetchBy(join(renewed, 'tools.lock.json'))
  }
  await rm(renewed, { recursive: true, force: true })
  await cp(join(parts, 'tools.lock.json'), join(folder, 'tools.lock.json'))
  await runStep(['packer/build/tree.sh', parts, join(folder, 'tree'), architecture], options)
}
