import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag, startFlag } from '../flags.ts'
import { allInOrder } from '../in-order.ts'
import { wordsBehindDashes } from '../words-behind-dashes.ts'

export default class Exec extends BaseCommand {
  static override summary = 'Run one command on the bastion, and give its exit status as our own.'
  static override description = [
    'The words after `--` are run as they are, without a shell. stdout and stderr stay apart and nothing is added to',
    'them; the command gets no input.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> exec -- uname -a',
    '<%= config.bin %> exec --reason "INC-4711" -- sh -c "df -h | tail -n +2"',
  ]
  static override usage = 'exec [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT] -- COMMAND...'
  static override strict = false
  static override flags = { ...installationFlags, ...reasonFlag, ...startFlag }

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Exec)
    const words = wordsBehindDashes(this.argv, argv, 'pgctl exec -- CMD')
    const { wireInstallation } = await import('../deps.ts')
    const { runCommand } = await import('#core/ssm/io/exec.ts')
    const deps = await wireInstallation(this.sessionSurroundings(flags))
    const [context, { bastion }] = await allInOrder([deps.sessions(this.signal), deps.bastion(this.signal)])
    process.exitCode = await runCommand(
      {
        context,
        target: bastion.id,
        words,
        reason: flags.reason,
        stdout: process.stdout,
        stderr: process.stderr,
      },
      this.signal,
    )
  }
}
