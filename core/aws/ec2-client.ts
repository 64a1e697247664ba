import type { EC2Client } from '@aws-sdk/client-ec2'
import { withEndpoint } from '#core/aws/clients.ts'
import { clientPerConnection } from '#core/aws/sdk-client.ts'

/** The client of EC2, the largest of the SDK. */
export const ec2Client = clientPerConnection<EC2Client>(async (settings) => {
  const { EC2Client } = await import('@aws-sdk/client-ec2')
  return new EC2Client(withEndpoint(settings, 'ec2'))
})

/** The tag that the console shows as a name. */
export function nameIn(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined,
): string | undefined {
  return tags?.find(({ Key }) => Key === 'Name')?.Value || undefined
}
