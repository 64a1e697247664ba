import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client } from '#core/aws/ec2-client.ts'
import { inVpc, listEc2 } from '#core/aws/ec2-list.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { isPgctlError } from '#core/errors.ts'
import type { ConnectEndpoint } from '#core/health/other-ways.ts'

/** What an account has beside sessions; what may not be asked is undefined. */
export interface WaysReading {
  readonly serialConsole: boolean | undefined
  readonly connectEndpoints: readonly ConnectEndpoint[] | undefined
}

/** Asks for the ways onto instances; `vpcId` is where the endpoint has to be, undefined for anywhere. */
export async function readOtherWays(
  connection: AwsConnection,
  vpcId: string | undefined,
  signal?: AbortSignal,
): Promise<WaysReading> {
  const [serialConsole, connectEndpoints] = await Promise.all([
    unlessRefused(serialConsoleAccess(connection, signal)),
    unlessRefused(listConnectEndpoints(connection, vpcId, signal)),
  ])
  return { serialConsole, connectEndpoints }
}

function serialConsoleAccess(connection: AwsConnection, signal: AbortSignal | undefined): Promise<boolean> {
  const call = {
    action: 'ec2:GetSerialConsoleAccessStatus',
    purpose: 'see whether the serial console is allowed',
  }
  return connection.call(call, signal, async () => {
    const { GetSerialConsoleAccessStatusCommand } = await import('@aws-sdk/client-ec2')
    const client = await ec2Client(connection)
    const answer = await client.send(new GetSerialConsoleAccessStatusCommand({}), abortedBy(signal))
    return answer.SerialConsoleAccessEnabled ?? false
  })
}

function listConnectEndpoints(
  connection: AwsConnection,
  vpcId: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ConnectEndpoint[]> {
  return listEc2(
    connection,
    {
      action: 'ec2:DescribeInstanceConnectEndpoints',
      what: 'EC2 Instance Connect Endpoints',
      async fetch(sdk, client, NextToken, options) {
        const Filters = vpcId === undefined ? undefined : inVpc(vpcId)
        const answer = await client.send(
          new sdk.DescribeInstanceConnectEndpointsCommand({ Filters, NextToken }),
          options,
        )
        const items = (answer.InstanceConnectEndpoints ?? []).flatMap(
          ({ InstanceConnectEndpointId: id, State, VpcId }) =>
            id === undefined ? [] : [{ id, state: State ?? 'unknown', vpcId: VpcId }],
        )
        return { items, next: answer.NextToken }
      },
    },
    signal,
  )
}

/** Whoever has few rights learns of fewer ways; that is no failure of its own. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isPgctlError(error)) return undefined
    throw error
  }
}
