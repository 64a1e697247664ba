import type { KeyMetadata, KMSClient } from '@aws-sdk/client-kms'
import type { AwsConnection } from '#core/aws/clients.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import { isPgctlError, messageOf } from '#core/errors.ts'
import type { KeyApi, KeyState } from '#core/snapshots/key-api.ts'

const clientOf = clientPerConnection<KMSClient>(async (settings) => {
  const { KMSClient } = await import('@aws-sdk/client-kms')
  return new KMSClient(settings)
})

/** The states of keys; `connect` gives the same caller's connection in a region. */
export function createKeyApi(connect: (region: string) => AwsConnection): KeyApi {
  return {
    async state(key, region, signal) {
      const connection = connect(region)
      const call = { action: 'kms:DescribeKey', purpose: `look at the key ${key}`, resource: key }
      try {
        const metadata = await connection.call(call, signal, async () => {
          const { DescribeKeyCommand } = await import('@aws-sdk/client-kms')
          const answer = (await clientOf(connection)).send(
            new DescribeKeyCommand({ KeyId: key }),
            abortedBy(signal),
          )
          return (await orNone(answer, 'NotFoundException'))?.KeyMetadata
        })
        return stateOf(metadata)
      } catch (error) {
        if (!isPgctlError(error) || error.code === 'interrupted') throw error
        return { kind: 'unread', says: messageOf(error) }
      }
    },
  }
}

function stateOf(metadata: KeyMetadata | undefined): KeyState {
  if (metadata === undefined) return { kind: 'unusable', says: 'there is no such key' }
  if (metadata.KeyState === 'Enabled') return { kind: 'usable', says: '' }
  const end =
    metadata.DeletionDate === undefined ? '' : ` on ${metadata.DeletionDate.toISOString().slice(0, 10)}`
  return { kind: 'unusable', says: `its state is ${metadata.KeyState ?? 'unknown'}${end}` }
}
