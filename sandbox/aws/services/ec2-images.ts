import type { WorldState } from '#sandbox/world-state.ts'
import { AwsError } from '../aws-error.ts'
import { listIn } from '../query-input.ts'
import type { Operation } from '../service.ts'

/** The images that versions of launch templates name; each was made when its version was. */
export function describeImages(state: WorldState): Operation {
  return {
    resources: () => [],
    run(input, { world }) {
      const versions = world === undefined ? [] : state.groupOf(world).versions
      const wanted = listIn(input, 'ImageId')
      const found = wanted.map((id) => {
        const version = versions.find(({ imageId }) => imageId === id)
        if (version === undefined)
          throw new AwsError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`)
        return version
      })
      return {
        imagesSet: (wanted.length === 0 ? versions : found).map(({ imageId, created }) => ({
          imageId,
          imageState: 'available',
          imageOwnerId: world?.account,
          name: `pgctl-bastion-${imageId.slice(4, 12)}`,
          architecture: 'arm64',
          rootDeviceType: 'ebs',
          creationDate: new Date(created).toISOString(),
        })),
      }
    },
  }
}
