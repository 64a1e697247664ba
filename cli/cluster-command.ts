import { BaseCommand } from './base-command.ts'
import { installationFlags, reasonFlag, startFlag } from './flags.ts'
import { renderTunnelEvent } from './render/tunnel.ts'

/** Which installation's cluster, and why. */
export const clusterFlags = { ...installationFlags, ...reasonFlag, ...startFlag }

interface ClusterWishes {
  readonly installation?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly reason?: string | undefined
  readonly start: boolean
}

/** What the commands share that start a program with a way to the cluster. */
export abstract class ClusterCommand extends BaseCommand {
  /** Runs it; its exit status is ours. */
  protected async runProgram(program: string, words: readonly string[], flags: ClusterWishes): Promise<void> {
    const { wireInstallation } = await import('./deps.ts')
    const { runWithCluster } = await import('./cluster-program.ts')
    const { tokenPlugin } = await import('./token-plugin.ts')
    const { reason, start, ...where } = flags
    const deps = await wireInstallation(this.sessionSurroundings({ ...where, start }))
    const run = {
      ...{ program, words, reason, environment: process.env },
      plugin: tokenPlugin({ ...where, installation: deps.installation.name }),
      onWay: (event: Parameters<typeof renderTunnelEvent>[0]) => {
        const text = renderTunnelEvent(event, this.paintNotice)
        if (text !== undefined) this.notice(text)
      },
    }
    process.exitCode = await runWithCluster(deps, run, this.signal)
  }
}
