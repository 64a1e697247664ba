import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client } from '#core/aws/ec2-client.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'
import type { BastionImage } from '#core/bastion/control.ts'

/** When an image was made. One that was taken away, or is no longer shared, has no date. */
export async function describeImage(
  connection: AwsConnection,
  id: string,
  signal?: AbortSignal,
): Promise<BastionImage> {
  const call = { action: 'ec2:DescribeImages', purpose: `see how old the image ${id} is` }
  return connection.call(call, signal, async () => {
    const { DescribeImagesCommand } = await import('@aws-sdk/client-ec2')
    const client = await ec2Client(connection)
    const answer = await orNone(
      client.send(new DescribeImagesCommand({ ImageIds: [id] }), abortedBy(signal)),
      'InvalidAMIID.NotFound',
      'InvalidAMIID.Unavailable',
    )
    const created = Date.parse(answer?.Images?.[0]?.CreationDate ?? '')
    return { id, createdAt: Number.isNaN(created) ? undefined : created }
  })
}
