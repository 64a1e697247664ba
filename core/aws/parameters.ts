import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { abortedBy, orNone } from '#core/aws/sdk-client.ts'

/** Puts a text where the cluster and the bastion look for it: a parameter, replaced as a whole. */
export async function writeParameter(
  connection: AwsConnection,
  name: string,
  value: string,
  signal?: AbortSignal,
): Promise<void> {
  const call = { action: 'ssm:PutParameter', purpose: `write the parameter ${name}`, resource: name }
  await connection.call(call, signal, async () => {
    const { PutParameterCommand, SSMClient } = await import('#core/aws/parts/parameters.ts')
    const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
    await client.send(
      // A license and its verdict may be longer than the 4 KB of a standard parameter.
      new PutParameterCommand({
        Name: name,
        Value: value,
        Type: 'String',
        Overwrite: true,
        Tier: 'Intelligent-Tiering',
      }),
      abortedBy(signal),
    )
  })
}

/** The text of a parameter; undefined where there is none. */
export async function readParameter(
  connection: AwsConnection,
  name: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const call = { action: 'ssm:GetParameter', purpose: `read the parameter ${name}`, resource: name }
  return await connection.call(call, signal, async () => {
    const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm')
    const client = new SSMClient(withEndpoint(connection.settings, 'ssm'))
    const answer = client.send(new GetParameterCommand({ Name: name }), abortedBy(signal))
    return (await orNone(answer, 'ParameterNotFound'))?.Parameter?.Value
  })
}
