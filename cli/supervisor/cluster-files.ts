import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execCredential, kubeconfig } from '#core/kube/kubeconfig.ts'
import { cachedTokenPlugin } from '../cached-token.ts'
import { tokenPlugin } from '../token-plugin.ts'
import type { ClusterFacts } from './messages.ts'

export interface ClusterFiles {
  /** The folder of state. */
  readonly state: string
  readonly installation: string
  /** By whose credentials. */
  readonly who: string
  /** `https://HOST:PORT`, where the way to the cluster listens. */
  readonly server: string
  readonly facts: ClusterFacts
}

/** A token this close to its end is not given away any more. */
const MARGIN_MS = 60_000

/**
 * Writes what a program needs to use the cluster by a background tunnel, for its owner alone, and answers the path of
 * the kubeconfig. It stays: the next program of these credentials finds it as it is, and pays for nothing.
 */
export function writeClusterFiles(
  { state, installation, who, server, facts }: ClusterFiles,
  where: Parameters<typeof tokenPlugin>[0],
): string {
  const folder = join(state, 'kube')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = join(folder, `${installation}-${who.slice(0, 12)}`)
  const { host, ca, namespace, token } = facts
  const until = Math.floor((token.expires - MARGIN_MS) / 1_000)
  writeIfNew(`${name}.token`, `${until}\n${JSON.stringify(execCredential(token))}\n`)
  const config = kubeconfig({
    name: `pgctl-${installation}`,
    server,
    tlsServerName: host,
    ca,
    namespace,
    plugin: cachedTokenPlugin(`${name}.token`, tokenPlugin(where)),
  })
  writeIfNew(`${name}.yaml`, `${JSON.stringify(config)}\n`)
  return `${name}.yaml`
}

/** By rename: a program may be reading the one before. */
function writeIfNew(path: string, content: string): void {
  try {
    if (readFileSync(path, 'utf8') === content) return
  } catch {
    // There is none, or none that can be read: it is written.
  }
  writeFileSync(`${path}.new`, content, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
