import { Args, Flags } from '@oclif/core'
import { describeSpan } from '#core/bastion/spans.ts'
import { PgctlError } from '#core/errors.ts'
import { BastionCommand, spanOf } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'
import { leaseDocument, renderLease } from '../../render/bastion.ts'

export default class BastionHold extends BastionCommand {
  static override summary = 'Hold the bastion open for a time: it is neither stopped nor replaced.'
  static override description = [
    'For a long job that no open session shows. Everybody sees who holds it and why; holding it again replaces what one',
    'has held before. A day is the most.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> bastion hold 3h --reason "restore of hermes"',
    '<%= config.bin %> bastion hold 45m --reason INC-4711 --installation acme',
  ]
  static override enableJsonFlag = true
  static override args = {
    span: Args.string({ description: 'For how long: 45m, 3h, 1h30m.', required: true }),
  }
  static override flags = {
    ...installationFlags,
    reason: Flags.string({ summary: 'Why, for everybody who looks.', helpValue: 'TEXT' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(BastionHold)
    const { reason, ...where } = flags
    const span = spanOf(args.span)
    if (reason === undefined)
      throw new PgctlError('usage', 'nobody would know why the bastion is held', {
        next: `say why: pgctl bastion hold ${args.span} --reason TEXT`,
      })
    const deps = await this.deps(where)
    const { holdBastion } = await import('../../bastion-changes.ts')
    const { lease, isStopped } = await holdBastion(deps, { span, reason }, this.signal)
    this.log(`${renderLease(lease)}: ${describeSpan(span)}`)
    if (isStopped) this.notice('it is stopped, and holding it does not start it: pgctl bastion start')
    return leaseDocument(lease)
  }
}
