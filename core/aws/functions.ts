import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { AwsConnection } from '#core/aws/clients.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import { messageOf, PgctlError } from '#core/errors.ts'

const clientOf = clientPerConnection<LambdaClient>(async (settings) => {
  const { LambdaClient } = await import('@aws-sdk/client-lambda')
  return new LambdaClient({
    ...settings,
    // A function may take its time; and it is not to run twice because somebody would not wait.
    requestHandler: { ...settings.requestHandler, requestTimeout: 90_000, socketTimeout: 90_000 },
    maxAttempts: 1,
  })
})

/**
 * Runs a function and gives what it answers.
 * @throws PgctlError `target-unknown` where there is none, `failed` with the function's own words where it fails.
 */
export function invokeFunction(
  connection: AwsConnection,
  name: string,
  event: object,
  signal?: AbortSignal,
): Promise<unknown> {
  const call = { action: 'lambda:InvokeFunction', purpose: `run the function ${name}`, resource: name }
  return connection.call(call, signal, async () => {
    const { InvokeCommand } = await import('@aws-sdk/client-lambda')
    const client = await clientOf(connection)
    try {
      const { FunctionError, Payload } = await client.send(
        new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(event)) }),
        abortedBy(signal),
      )
      const answer = parse(Buffer.from(Payload ?? []).toString('utf8'))
      if (FunctionError === undefined) return answer
      throw failure(name, answer)
    } catch (error) {
      throw error instanceof Error && error.name === 'ResourceNotFoundException'
        ? missing(name, error)
        : error
    }
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function failure(name: string, answer: unknown): PgctlError {
  const { errorMessage, errorType } = Object(answer) as Readonly<Record<string, unknown>>
  return new PgctlError('failed', `the function ${name} has failed`, {
    why: typeof errorMessage === 'string' ? errorMessage : String(errorType ?? 'it does not say why'),
    next: `see its log: /aws/lambda/${name}`,
  })
}

function missing(name: string, cause: Error): PgctlError {
  return new PgctlError('target-unknown', `there is no function ${name}`, {
    why: messageOf(cause),
    next: 'deploy the functions of the installation first: pgctl deploy --plan',
    cause,
  })
}
