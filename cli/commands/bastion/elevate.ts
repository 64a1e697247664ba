import { Args, Flags } from '@oclif/core'
import { ELEVATED_ROLES } from '#core/bastion/elevations.ts'
import { describeSpan } from '#core/bastion/spans.ts'
import { PgctlError } from '#core/errors.ts'
import { BastionCommand, spanOf } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'
import { elevationDocument } from '../../render/bastion.ts'

export default class BastionElevate extends BastionCommand {
  static override summary =
    'Take more rights in the cluster, for a time and a reason; they end by themselves.'
  static override description = [
    'Operators may look. Edit and admin are of the namespace, cluster-admin is of the whole cluster; they are given to the',
    "caller's own role, written down for everybody who looks, and taken back by the function that looks after the bastion.",
    'Who may ask at all is decided by who may call eks:AssociateAccessPolicy. --end gives them back at once.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> bastion elevate --for 1h --reason INC-4711',
    '<%= config.bin %> bastion elevate cluster-admin --for 15m --reason "a custom resource is stuck"',
    '<%= config.bin %> bastion elevate --end',
  ]
  static override enableJsonFlag = true
  static override args = {
    role: Args.string({
      description: 'What is needed: edit, admin or cluster-admin.',
      options: [...ELEVATED_ROLES],
      default: 'edit',
    }),
  }
  static override flags = {
    ...installationFlags,
    for: Flags.string({ summary: 'For how long: 15m, 1h; half a day at the most.', helpValue: 'SPAN' }),
    reason: Flags.string({ summary: 'Why, for everybody who looks.', helpValue: 'TEXT' }),
    principal: Flags.string({
      summary: "Whose rights, by the ARN of a role with its path, where that is not the caller's own.",
      helpValue: 'ARN',
    }),
    end: Flags.boolean({ summary: 'Give back what one has been given.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(BastionElevate)
    const { for: text, reason, end, principal, ...where } = flags
    const role = ELEVATED_ROLES.find((each) => each === args.role) ?? 'edit'
    const deps = await this.deps(where)
    const { elevateCaller, endElevations } = await import('../../bastion-elevation.ts')
    if (end) {
      const ended = await endElevations(deps, principal, this.signal)
      this.log(ended.length === 0 ? 'no rights were given' : `given back: ${ended.length} of yours`)
      return { elevation: null, ended: ended.map(elevationDocument) }
    }
    if (text === undefined || reason === undefined)
      throw new PgctlError('usage', 'rights are given for a time and a reason', {
        next: `say both: pgctl bastion elevate ${role} --for 1h --reason TEXT`,
      })
    const span = spanOf(text)
    const elevation = await elevateCaller(deps, { role, span, reason, principal }, this.signal)
    this.log(`${elevation.principal} has ${role} in ${deps.clusterName} for ${describeSpan(span)}`)
    return { elevation: elevationDocument(elevation), ended: [] }
  }
}
