import { Flags } from '@oclif/core'
import { messageOf } from '#core/errors.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import type { SandboxFolder } from '#sandbox/state.ts'
import { BaseCommand } from '../../base-command.ts'
import { paths } from '../../paths.ts'
import { renderSandboxes, type SandboxRow } from '../../render/sandbox.ts'

export default class SandboxStatus extends BaseCommand {
  static override summary = 'Show the sandboxes of this computer.'
  static override description = 'The exit status is 5 when one is half dead.'
  static override examples = ['<%= config.bin %> sandbox status', '<%= config.bin %> sandbox status --json']
  static override enableJsonFlag = true
  static override flags = {
    name: Flags.string({ summary: 'Only the sandbox of this name.', helpValue: 'NAME' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SandboxStatus)
    const { SandboxFolders } = await import('#sandbox/state.ts')
    const folders = new SandboxFolders(paths(process.env).state, systemProcesses)
    const chosen = flags.name === undefined ? await folders.all() : [folders.named(flags.name)]
    const sandboxes = (await Promise.all(chosen.map(rowOf))).filter((row) => row !== undefined)
    this.log(renderSandboxes(sandboxes, this.paint))
    if (sandboxes.some(({ state }) => state === 'broken')) this.unhealthy()
    return { sandboxes }
  }
}

async function rowOf(folder: SandboxFolder): Promise<SandboxRow | undefined> {
  const condition = await folder.condition()
  if (condition.kind === 'absent') return undefined
  const nothing = { endpoint: null, agent: null, openSessions: null, why: null }
  const row = { ...nothing, name: folder.name, state: condition.kind, pid: condition.owner?.pid ?? null }
  if (condition.kind === 'broken') return { ...row, why: condition.why }
  if (condition.kind === 'starting') return row
  const { AdminClient } = await import('#sandbox/admin-client.ts')
  try {
    const { sessionsOpen } = await new AdminClient(condition.record).statistics()
    const { endpoint, agent } = condition.record
    return { ...row, endpoint, agent, openSessions: sessionsOpen }
  } catch (error) {
    return { ...row, state: 'broken', why: `its process lives and does not answer: ${messageOf(error)}` }
  }
}
