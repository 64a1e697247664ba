import { type AwsConnection, accessKeyDigest, withEndpoint } from '#core/aws/clients.ts'
import { PgctlError } from '#core/errors.ts'
import type { IdentityApi } from '#core/installation/account-pin.ts'

/** Who the caller is, as STS says. */
export function createIdentityApi(connection: AwsConnection): IdentityApi {
  return {
    async key() {
      const { accessKeyId, expires } = await connection.credentials()
      return { digest: accessKeyDigest(accessKeyId), expires }
    },
    async caller(signal) {
      const call = { action: 'sts:GetCallerIdentity', purpose: 'find out whose credentials these are' }
      const output = await connection.call(call, signal, async () => {
        const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
        const client = new STSClient(withEndpoint(connection.settings, 'sts'))
        return client.send(
          new GetCallerIdentityCommand({}),
          signal === undefined ? {} : { abortSignal: signal },
        )
      })
      const { Account: account, Arn: arn } = output
      if (account !== undefined && arn !== undefined) return { account, arn }
      throw new PgctlError(
        'failed',
        'cannot find out whose credentials these are: the answer names no account',
        {
          next: 'check what answers at AWS_ENDPOINT_URL',
          requestId: output.$metadata.requestId,
        },
      )
    },
  }
}
