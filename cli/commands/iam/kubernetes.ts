import { Flags } from '@oclif/core'
import { ROLE_NAMES } from '#core/kube/rights.ts'
import { groupOf, manifestsOf } from '#core/kube/role-manifests.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { renderManifests, rightsDocument } from '../../render/manifests.ts'

export default class IamKubernetes extends BaseCommand {
  static override summary = 'Print the roles that let one work in the cluster, as manifests.'
  static override description = [
    'The role `view` reads everything but Secrets, and forwards ports; `operate` changes what the product consists of,',
    "and reads and writes Secrets, in which Helm keeps its releases. Each is bound in the product's namespace to a group",
    'of its name, which an access entry of the cluster gives to an identity of AWS. Nothing is sent.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> iam kubernetes --role view',
    '<%= config.bin %> iam kubernetes --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    role: Flags.option({ options: ROLE_NAMES, summary: 'Only this one.' })(),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(IamKubernetes)
    const { wireInstallation } = await import('../../deps.ts')
    const { installation, namespace, clusterName } = await wireInstallation(this.surroundings(flags))
    const roles = flags.role === undefined ? ROLE_NAMES : [flags.role]
    const manifests = manifestsOf(roles, namespace)
    const entries = roles.map((role) => ({
      role,
      command: `aws eks create-access-entry --region ${installation.region} --cluster-name ${clusterName} --principal-arn ARN --kubernetes-groups ${groupOf(role)}`,
    }))
    this.log(
      [
        '# Who gets a role: an access entry with its group, for the ARN of their role or user.',
        ...entries.map(({ command }) => `#   ${command}`),
        renderManifests(manifests),
      ].join('\n'),
    )
    return { namespace, manifests, accessEntries: entries, rights: rightsDocument() }
  }
}
