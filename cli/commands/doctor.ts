import { Args } from '@oclif/core'
import { neutralise } from '#core/text/neutralise.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag } from '../flags.ts'
import { doctorDocument, renderCheck, renderWays } from '../render/doctor.ts'

export default class Doctor extends BaseCommand {
  static override summary = 'Look for what is broken on the way from this computer to a target.'
  static override description = [
    'Endpoints, proxy, authorities and clock; credentials and their account; permissions, by requests that are refused',
    'for another reason; the bastion, its agent, the cluster, a session, the rights in the cluster; and the target, if',
    'one is named. A line each, with what to do or whom to ask; what depends on what has failed is skipped. Where',
    'sessions do not work, it says which other way in there is. The exit status is 5 when a check fails.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor grafana',
    '<%= config.bin %> doctor postgres --installation acme --json',
  ]
  static override enableJsonFlag = true
  static override args = {
    target: Args.string({ description: 'What a tunnel could not reach, as pgctl tunnel takes it.' }),
  }
  static override flags = { ...installationFlags, ...reasonFlag }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(Doctor)
    const { wireInstallation } = await import('../deps.ts')
    const { examine } = await import('../doctor-reading.ts')
    const surroundings = this.surroundings(flags)
    const deps = await wireInstallation(surroundings)
    const { name, workspace, cloud, region } = deps.installation
    this.log(`${this.paint('bold', neutralise(name))}  ${workspace}  ${cloud} ${region}\n`)
    const examination = await examine(
      { deps, surroundings },
      { target: args.target, reason: flags.reason },
      (result) => this.log(renderCheck(result, this.paint)),
      this.signal,
    )
    const { healthy, ways } = examination
    if (ways !== undefined) this.log(`\n${renderWays(ways, this.paint)}`)
    this.log(`\n${healthy ? this.paint('green', 'healthy') : this.paint('red', 'unhealthy')}`)
    if (!healthy) this.unhealthy()
    return doctorDocument(deps.installation, args.target, examination)
  }
}
