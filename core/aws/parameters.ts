import type { AwsConnection } from '#core/aws/clients.ts'

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
    const client = new SSMClient(connection.settings)
    await client.send(
      // A license and its verdict may be longer than the 4 KB of a standard parameter.
      new PutParameterCommand({
        Name: name,
        Value: value,
        Type: 'String',
        Overwrite: true,
        Tier: 'Intelligent-Tiering',
      }),
      signal === undefined ? {} : { abortSignal: signal },
    )
  })
}
