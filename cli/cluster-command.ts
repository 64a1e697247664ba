import type { TunnelEvent } from '#core/tunnel/events.ts'
import { isShared } from './background.ts'
import { BaseCommand } from './base-command.ts'
import { backgroundFlag, installationFlags, reasonFlag, startFlag } from './flags.ts'
import { renderTunnelEvent } from './render/tunnel.ts'

/** Which installation's cluster, and why. */
export const clusterFlags = {
  ...installationFlags,
  ...reasonFlag,
  ...startFlag,
  ...backgroundFlag,
}

interface ClusterWishes {
  readonly installation?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly reason?: string | undefined
  readonly start: boolean
  readonly background?: 'on' | 'off' | undefined
}

const STARTED =
  'a tunnel to the cluster stays in the background for the next command; to end it: pgctl tunnel stop cluster; to have none: background: off'

/** What the commands share that start a program with a way to the cluster. */
export abstract class ClusterCommand extends BaseCommand {
  /** Runs it; its exit status is ours. */
  protected async runProgram(
    program: string,
    words: readonly string[],
    { reason, background, start, ...where }: ClusterWishes,
    { hold }: { readonly hold: boolean },
  ): Promise<void> {
    const onRun = () => this.lendCtrlC()
    const surroundings = this.sessionSurroundings({ ...where, start, background })
    const { loadConfig } = await import('./load-config.ts')
    // A reason stands in the record of one session: it is not put on what others do.
    if (reason === undefined && isShared(loadConfig(surroundings))) {
      const { runShared } = await import('./shared-cluster.ts')
      const onStarted = () => this.notice(STARTED)
      const run = { program, words, hold, onStarted, onWay: this.#onWay, onRun, tell: this.#tell }
      const tellWhy = (why: string) => this.notice(`${why}: this has a session of its own`)
      const status = await runShared(surroundings, run, tellWhy, this.signal)
      if (status !== undefined) {
        process.exitCode = status
        return
      }
    }
    const { wireInstallation } = await import('./deps.ts')
    const { runWithCluster } = await import('./cluster-program.ts')
    const { tokenPlugin } = await import('./token-plugin.ts')
    const deps = await wireInstallation(surroundings)
    const run = {
      ...{ program, words, reason, environment: process.env },
      plugin: tokenPlugin({ ...where, installation: deps.installation.name }),
      onWay: this.#onWay,
      onRun,
      tell: this.#tell,
    }
    process.exitCode = await runWithCluster(deps, run, this.signal)
  }

  readonly #tell = (text: string) => this.notice(text)

  readonly #onWay = (event: TunnelEvent) => {
    const text = renderTunnelEvent(event, this.paintNotice)
    if (text !== undefined) this.notice(text)
  }
}
