import type { TemplateVersion } from '#sandbox/bastion-group.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import { AwsError } from '../aws-error.ts'
import { listIn } from '../query-input.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { XmlValue } from '../xml.ts'

/** Launch templates: an installation has one, that of its bastion, with versions that differ by their images. */
export function launchTemplateOperations(state: WorldState): Readonly<Record<string, Operation>> {
  return {
    DescribeLaunchTemplateVersions: {
      resources: () => [],
      run(input, call) {
        const { name, group } = templateOf(input, call, state)
        const wanted = listIn(input, 'LaunchTemplateVersion')
        const found =
          wanted.length === 0 ? group.versions.toReversed() : wanted.map((version) => group.resolve(version))
        return {
          launchTemplateVersionSet: found.map((version, at) => {
            if (version === undefined)
              throw new AwsError(
                'InvalidLaunchTemplateId.VersionNotFound',
                `Could not find the specified version ${wanted[at]} for the launch template with ID ${idOf('lt', name)}.`,
              )
            return describe(version, name, call)
          }),
        }
      },
    },
    CreateLaunchTemplateVersion: {
      resources: (_, { region, caller, world }) => [
        `arn:aws:ec2:${region}:${caller.account}:launch-template/${idOf('lt', world?.bastion.name ?? '')}`,
      ],
      run(input, call) {
        const { name, group } = templateOf(input, call, state)
        const imageId = String(input['LaunchTemplateData.ImageId'] ?? '')
        if (!/^ami-[0-9a-f]{8,17}$/.test(imageId))
          throw new AwsError('InvalidAMIID.Malformed', `Invalid id: "${imageId}"`)
        return { launchTemplateVersion: describe(group.addVersion(imageId, call.now.wall), name, call) }
      },
    },
  }
}

function templateOf(input: Input, { world }: Call, state: WorldState) {
  const name = world?.bastion.name ?? ''
  const id = input['LaunchTemplateId']
  const asked = input['LaunchTemplateName']
  const isOurs = id === undefined ? asked === name : id === idOf('lt', name)
  if (world === undefined || !isOurs)
    throw new AwsError(
      id === undefined ? 'InvalidLaunchTemplateName.NotFoundException' : 'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, with template ${id === undefined ? `name ${String(asked)}` : `ID ${String(id)}`}, does not exist.`,
    )
  return { name, group: state.groupOf(world) }
}

function describe({ version, imageId, created }: TemplateVersion, name: string, { caller }: Call): XmlValue {
  return {
    launchTemplateId: idOf('lt', name),
    launchTemplateName: name,
    versionNumber: version,
    createTime: new Date(created).toISOString(),
    createdBy: caller.arn,
    defaultVersion: version === 1,
    launchTemplateData: {
      imageId,
      instanceType: 't4g.small',
      metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
    },
  }
}
