/** Programs that read logs, and how each is told to do the same thing. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { STUB_APP, STUB_LABEL } from '#sandbox/log-stub/pod-object.ts'
import { peerProgram, peerTitle } from './peer-programs.ts'

type Peer = 'stern' | 'kubectl'
export type Reader = 'pgctl' | Peer
export const READERS: readonly Reader[] = ['pgctl', 'stern', 'kubectl']
const PEERS: readonly Peer[] = ['stern', 'kubectl']

export interface Reading {
  /** `raw`: lines as they were written; `tidy`: with the pod's name, as each does it; `grep`: the rare ones, raw. */
  readonly mode: 'raw' | 'tidy' | 'grep'
  readonly follow: boolean
  /** Pods that there are. */
  readonly pods: number
  /** Without the limit that stern sets itself. */
  readonly unthrottled?: boolean
  readonly pattern?: string
}

/** What can be run here. */
export class LogReaders implements AsyncDisposable {
  readonly #folder: string
  readonly #peers: Readonly<Partial<Record<Peer, string>>>

  private constructor(folder: string, peers: Readonly<Partial<Record<Peer, string>>>) {
    this.#folder = folder
    this.#peers = peers
  }

  /** Bundles our own, as the CLI is; finds the others on PATH or where `npm run peers` puts them. */
  static async prepare(): Promise<LogReaders> {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-bench-logs-'))
    await build({
      absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
      entryPoints: ['bench/log-reader.ts'],
      outfile: join(folder, 'log-reader.mjs'),
      bundle: true,
      minify: true,
      keepNames: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      logLevel: 'warning',
    })
    const found = PEERS.map((peer) => [peer, peerProgram(peer)] as const)
    return new LogReaders(folder, Object.fromEntries(found.filter(([, path]) => path !== undefined)))
  }

  /** Those of the wanted that are installed. */
  available(wanted: readonly Reader[] = READERS): Reader[] {
    return wanted.filter((reader) => reader === 'pgctl' || this.#peers[reader] !== undefined)
  }

  /** Says what is missing and how to get it; undefined when nothing is. */
  get missing(): string | undefined {
    const names = PEERS.filter((peer) => this.#peers[peer] === undefined)
    return names.length === 0 ? undefined : `${names.join(' and ')} not found: npm run peers installs them`
  }

  /** The command line, program first. */
  command(reader: Reader, kubeconfig: string, reading: Reading): string[] {
    switch (reader) {
      case 'pgctl':
        return [process.execPath, join(this.#folder, 'log-reader.mjs'), kubeconfig, ...ownWords(reading)]
      case 'stern':
        return [this.#peers.stern as string, '--kubeconfig', kubeconfig, ...sternWords(reading)]
      case 'kubectl':
        return [this.#peers.kubectl as string, '--kubeconfig', kubeconfig, ...kubectlWords(reading)]
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Its name with the version that was measured. */
export function readerName(reader: Reader): string {
  return reader === 'pgctl' ? 'pgctl' : peerTitle(reader)
}

function ownWords({ mode, follow, pattern = '' }: Reading): string[] {
  return [
    mode === 'tidy' ? 'tidy' : 'raw',
    ...(follow ? ['--follow'] : []),
    ...(mode === 'grep' ? ['--grep', pattern] : []),
  ]
}

function sternWords({ mode, follow, pods, unthrottled = false, pattern = '' }: Reading): string[] {
  return [
    '.',
    '--color=never',
    ...(mode === 'tidy' ? [] : ['--output=raw']),
    ...(mode === 'grep' ? [`--include=${pattern}`] : []),
    ...(follow ? [`--max-log-requests=${Math.max(50, pods)}`] : ['--no-follow']),
    ...(unthrottled ? ['--qps=-1', `--max-log-requests=${Math.max(50, pods)}`] : []),
  ]
}

function kubectlWords({ mode, follow, pods }: Reading): string[] {
  return [
    'logs',
    `--selector=${STUB_LABEL}=${STUB_APP}`,
    '--tail=-1',
    ...(mode === 'tidy' ? ['--prefix'] : []),
    ...(follow ? ['--follow', `--max-log-requests=${Math.max(5, pods)}`] : []),
  ]
}
