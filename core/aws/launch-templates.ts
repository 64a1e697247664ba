import type { LaunchTemplateSpecification } from '@aws-sdk/client-auto-scaling'
import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client } from '#core/aws/ec2-client.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'

/** A group may outlive its template. */
const MISSING = [
  'InvalidLaunchTemplateId.NotFound',
  'InvalidLaunchTemplateId.NotFoundException',
  'InvalidLaunchTemplateName.NotFoundException',
  'InvalidLaunchTemplateId.VersionNotFound',
]

/** The version that a group makes its machines of, as a number; undefined for a group without a launch template that is there. */
export async function templateVersionOf(
  connection: AwsConnection,
  template: LaunchTemplateSpecification | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const { Version: version = '$Default' } = template ?? {}
  if (template === undefined || /^\d+$/.test(version)) return template === undefined ? undefined : version
  return (await templateOf(connection, template, signal))?.version
}

/** The version of a launch template that a group names, and its image; undefined for one that is not there. */
export async function templateOf(
  connection: AwsConnection,
  template: LaunchTemplateSpecification,
  signal: AbortSignal | undefined,
): Promise<{ readonly version: string; readonly imageId: string | undefined } | undefined> {
  const { LaunchTemplateId: id, LaunchTemplateName: name, Version: version = '$Default' } = template
  const call = {
    action: 'ec2:DescribeLaunchTemplateVersions',
    purpose: `see which version ${version} of the launch template ${name ?? id} is`,
  }
  return connection.call(call, signal, async () => {
    const { DescribeLaunchTemplateVersionsCommand } = await import('@aws-sdk/client-ec2')
    const client = await ec2Client(connection)
    const which = id === undefined ? { LaunchTemplateName: name } : { LaunchTemplateId: id }
    const command = new DescribeLaunchTemplateVersionsCommand({ ...which, Versions: [version] })
    const answer = await orNone(client.send(command, abortedBy(signal)), ...MISSING)
    const { VersionNumber: number, LaunchTemplateData: data } = answer?.LaunchTemplateVersions?.[0] ?? {}
    return number === undefined ? undefined : { version: String(number), imageId: data?.ImageId }
  })
}
