import { PgctlError } from '#core/errors.ts'
import type { RunReport } from '#core/snapshots/run.ts'
import { BaseCommand } from './base-command.ts'
import type { Deps } from './deps.ts'
import type { SnapshotView } from './snapshot-reading.ts'

type InstallationWishes = Parameters<BaseCommand['surroundings']>[0] & {
  readonly policy?: string | undefined
  readonly records?: string | undefined
}

/** What the commands of snapshots share. */
export abstract class SnapshotCommand extends BaseCommand {
  /** The installation, wired, and all that there is of its snapshots. */
  protected async view(flags: InstallationWishes): Promise<{ deps: Deps; view: SnapshotView }> {
    const { wireInstallation } = await import('./deps.ts')
    const { readSnapshots } = await import('./snapshot-reading.ts')
    const { policy, records, ...rest } = flags
    const wired = await wireInstallation(this.surroundings(rest))
    const table = records ?? wired.installation.snapshotTable
    const deps = table === undefined ? wired : { ...wired, store: wired.documentTable(table) }
    const view = await readSnapshots(deps, { policy, environment: process.env }, this.signal)
    return { deps, view }
  }

  /** A run of which a part failed is told in full, and has failed. */
  protected finish({ results }: RunReport): void {
    if (results.some(({ outcome }) => outcome === 'failed')) process.exitCode = 1
  }
}

/** @throws PgctlError `usage` unless the name of the installation was typed out. */
export function checkConfirmed(confirm: string | undefined, name: string, what: string): void {
  if (confirm === name) return
  throw new PgctlError('usage', `${what} needs the name of the installation, typed out`, {
    why:
      confirm === undefined
        ? '--confirm is missing'
        : `--confirm says ${confirm}, and the installation is ${name}`,
    next: `if you mean it: --confirm ${name}`,
  })
}
