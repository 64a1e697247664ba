import { Args, Flags } from '@oclif/core'
import { parsePlaces } from '#core/transfer/place.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag, startFlag } from '../flags.ts'
import { allInOrder } from '../in-order.ts'
import { copyDocument, copyWarnings, renderCopy } from '../render/cp.ts'
import { renderSessionLife } from '../render/session.ts'
import { renderWarning } from '../render/warning.ts'

export default class Cp extends BaseCommand {
  static override summary =
    'Copy a file or a folder to the bastion or from it, without ssh and without a bucket.'
  static override description = [
    'One of the two paths begins with `bastion:`, or with the colon alone; one that is not absolute is below the home',
    "of the session's user there. Folders are copied whole, with modes, times and the links that stay inside of them.",
    'Both ends are compared by SHA-256 before the copy gets its name. What has arrived of a copy that was cut waits',
    'beside it, as .NAME.pgctl-part: the same command goes on from there. What changes while it is copied is an error.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> cp :/var/log/messages .',
    '<%= config.bin %> cp hermes.dump bastion:/var/tmp/',
    '<%= config.bin %> cp --reason "INC-4711" ./charts :charts',
    '<%= config.bin %> cp :/var/tmp/hermes.dump hermes.dump --json',
  ]
  static override enableJsonFlag = true
  static override args = {
    source: Args.string({ required: true, description: 'What to copy.' }),
    destination: Args.string({
      required: true,
      description: 'Where to: its new name, or a folder to put it into.',
    }),
  }
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    ...startFlag,
    compress: Flags.boolean({
      summary: 'Pack what travels, where a sample says that it gets smaller; on unless --no-compress.',
      allowNo: true,
      default: true,
    }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(Cp)
    const places = parsePlaces(args.source, args.destination)
    const { wireInstallation } = await import('../deps.ts')
    const { copy } = await import('#core/transfer/io/copy.ts')
    const { ProgressLine } = await import('../progress-line.ts')
    const line = process.stderr.isTTY && !this.jsonEnabled() ? new ProgressLine(process.stderr) : undefined
    const deps = await wireInstallation(this.sessionSurroundings(flags))
    const [context, { bastion }] = await allInOrder([deps.sessions(this.signal), deps.bastion(this.signal)])
    try {
      const report = await copy(
        places,
        {
          context,
          target: bastion.id,
          compress: flags.compress,
          reason: flags.reason,
          onProgress: (progress) => line?.show(progress),
          onLife: (event) => {
            line?.clear()
            this.notice(renderSessionLife(event))
          },
        },
        this.signal,
      )
      line?.clear()
      this.log(renderCopy(report))
      for (const warning of copyWarnings(report)) this.notice(renderWarning(warning, this.paintNotice))
      return copyDocument(report)
    } finally {
      line?.clear()
    }
  }
}
