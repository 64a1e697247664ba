import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#core/io/system-clock.ts'
import { kubeconfig } from '#core/kube/kubeconfig.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { describeDialerEvent } from '#core/tunnel/happenings.ts'
import { openCluster } from './cluster-opening.ts'
import type { Deps } from './deps.ts'
import { findProgram } from './find-program.ts'
import { runTellingRefusals } from './kubectl-refusal.ts'

export interface ClusterProgram {
  readonly program: string
  readonly words: readonly string[]
  readonly reason?: string | undefined
  readonly environment: NodeJS.ProcessEnv
  /** The command line that prints a token of the cluster. */
  readonly plugin: readonly [string, ...string[]]
  /** What is to be said beside what the program says. */
  tell(text: string): void
  /** What happens to the way there while the program runs. */
  onWay(event: TunnelEvent): void
  /** Called when the program is about to run; what it gives is disposed of when that has ended. */
  onRun(): Disposable
}

/**
 * Runs a program of this computer with a kubeconfig of its own that leads to the installation's cluster, and answers
 * its exit status. The kubeconfig is a file for the person alone, and is gone with the program; their own is neither
 * read nor changed.
 * @throws PgctlError where the program is missing, or there is no way to the cluster.
 */
export async function runWithCluster(deps: Deps, run: ClusterProgram, signal: AbortSignal): Promise<number> {
  const path = findProgram(run.program, run.environment)
  const onEvent = (event: DialerEvent) => {
    if (event.event === 'ended') {
      const { message, next } = event.error
      run.onWay({ event: 'warning', target: 'cluster', about: 'session-over', message, next })
      return
    }
    const told = describeDialerEvent(event, systemClock.now())
    // When a session begins matters to nobody who has asked for pods.
    if (told.event !== 'session') run.onWay({ target: 'cluster', ...told })
  }
  await using parts = new AsyncDisposableStack()
  const access = parts.use(await openCluster(deps, { reason: run.reason, onEvent }, signal))
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-kube-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'config')
  const { server, tlsServerName, ca } = access
  const { namespace, installation } = deps
  const content = {
    name: `pgctl-${installation.name}`,
    server,
    tlsServerName,
    ca,
    namespace,
    plugin: run.plugin,
  }
  await writeFile(file, `${JSON.stringify(kubeconfig(content))}\n`, { mode: 0o600 })
  using _run = run.onRun()
  const environment = { ...run.environment, KUBECONFIG: file, PGCTL_INSTALLATION: installation.name }
  return await runTellingRefusals(path, run.program, { words: run.words, environment, signal }, run.tell)
}
