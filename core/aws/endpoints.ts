import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import type { Ms } from '#core/clock.ts'
import type { OutboundAgents } from '#core/io/outbound.ts'

const ANSWER_WITHIN: Ms = 15_000

/** What an endpoint has answered to a request without a signature: that it is there. */
export interface EndpointContact {
  readonly host: string
  /** Its clock, wall time, and ours when the answer came; undefined where it names no date. */
  readonly clocks: { readonly theirs: Ms; readonly ours: Ms } | undefined
}

/** Where the SDK would send the requests of a service: by configuration, environment and region. */
export async function endpointOf(connection: AwsConnection, service: 'sts' | 'ssm'): Promise<URL> {
  // Signed with nothing: the request ends before it is sent.
  const settings = {
    ...withEndpoint(connection.settings, service),
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
  }
  let found: URL | undefined
  const look = (args: { readonly request?: unknown }) => {
    const { protocol, hostname, port } = Object(args.request) as Record<string, unknown>
    found = new URL(
      `${String(protocol)}//${String(hostname)}${port === undefined ? '' : `:${String(port)}`}/`,
    )
    return Promise.resolve({ output: { $metadata: {} }, response: undefined })
  }
  const where = { step: 'build', priority: 'low', name: 'look' } as const
  if (service === 'sts') {
    const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
    const client = new STSClient(settings)
    client.middlewareStack.add(() => look, where)
    await client.send(new GetCallerIdentityCommand({}))
  } else {
    const { DescribeInstanceInformationCommand, SSMClient } = await import('@aws-sdk/client-ssm')
    const client = new SSMClient(settings)
    client.middlewareStack.add(() => look, where)
    await client.send(new DescribeInstanceInformationCommand({}))
  }
  if (found === undefined) throw new Error(`the SDK has built no request for ${service}`)
  return found
}

/**
 * Asks an endpoint for anything, by the same agents as every call: any answer of HTTP says that it is there.
 * @throws PgctlError `endpoint-unreachable`
 */
export function contactEndpoint(
  connection: AwsConnection,
  agents: OutboundAgents,
  url: URL,
  signal?: AbortSignal,
): Promise<EndpointContact> {
  const call = { action: `${url.hostname}:any`, purpose: `reach ${url.host}` }
  return connection.call(call, signal, async () => {
    const isTls = url.protocol === 'https:'
    const send = isTls ? httpsRequest : httpRequest
    const outgoing = send(url, {
      agent: isTls ? agents.https : agents.http,
      ...(signal === undefined ? {} : { signal }),
    })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const cancel = connection.clock.after(ANSWER_WITHIN, () =>
        outgoing.destroy(new Error(`no answer within ${ANSWER_WITHIN / 1_000} s`)),
      )
      outgoing.once('close', cancel)
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
      outgoing.end()
    })
    response.resume()
    const theirs = Date.parse(response.headers.date ?? '')
    const ours = connection.clock.now().wall
    return { host: url.host, clocks: Number.isNaN(theirs) ? undefined : { theirs, ours } }
  })
}

/** Where data channels are opened: what is configured for them, or the service's own. */
export function messagesEndpoint(region: string, override: string | undefined): URL {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(override ?? `https://ssmmessages.${region}.${suffix}/`)
}
