import { connectAws } from '#core/aws/clients.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { type DiscoveryQuery, resourceNames } from '#core/installation/discovery.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { PARAGON } from './product-profile.ts'
import { type AwsAnswer, type AwsRequest, jsonError, ScriptedAws } from './scripted-aws.ts'

export const WORKSPACE = 'paragon-acme'

/** Answers by operation; a REST service's are `GET /clusters/paragon-acme`. `count` is how often it was asked. */
export interface Script {
  readonly [operation: string]: (body: string, count: number, request: AwsRequest) => AwsAnswer | 'silence'
}

export interface Discovered {
  readonly inventory: Inventory
  /** How often each operation was asked. */
  readonly counts: ReadonlyMap<string, number>
  readonly requests: readonly AwsRequest[]
  /** How many connections were opened: kept ones are used again, so that it is how many calls were under way at once. */
  readonly connections: number
}

const QUERY: DiscoveryQuery = {
  workspace: WORKSPACE,
  names: resourceNames(PARAGON, WORKSPACE),
  parts: ['bastion', 'cluster'],
  depth: 'full',
}

/** Credentials for tests that call a scripted endpoint; nothing of the environment's own. */
export function signInForTests(): void {
  for (const name of Object.keys(process.env))
    if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' })
}

/** Discovers what a script tells; an operation without an answer is refused as one that does not exist. */
export async function discover(
  script: Script,
  query: Partial<DiscoveryQuery> = {},
  signal?: AbortSignal,
): Promise<Discovered> {
  const counts = new Map<string, number>()
  await using aws = await ScriptedAws.start((request) => {
    const operation = request.operation.replace(/\?.*/, '')
    const count = (counts.get(operation) ?? 0) + 1
    counts.set(operation, count)
    return (
      script[operation]?.(request.body, count, request) ?? jsonError('UnknownOperationException', operation)
    )
  })
  process.env['AWS_ENDPOINT_URL'] = aws.url
  const agents = createOutboundAgents({})
  const connection = connectAws({
    region: 'eu-central-1',
    environment: process.env,
    agents,
    clock: systemClock,
    version: '0',
  })
  try {
    const inventory = await createDiscovery(connection).inventory({ ...QUERY, ...query }, signal)
    return { inventory, counts, requests: aws.requests, connections: aws.connections }
  } finally {
    agents.close()
    delete process.env['AWS_ENDPOINT_URL']
  }
}

/** A document of EC2. */
export function ec2Answer(operation: string, body: string): AwsAnswer {
  return {
    type: 'text/xml',
    body: `<${operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>request-1</requestId>${body}</${operation}Response>`,
  }
}

/** A document of a service with the query protocol: RDS, ElastiCache, Auto Scaling, load balancing. */
export function queryAnswer(operation: string, body: string): AwsAnswer {
  return {
    type: 'text/xml',
    body: `<${operation}Response><${operation}Result>${body}</${operation}Result><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></${operation}Response>`,
  }
}

export function jsonAnswer(document: unknown, type = 'application/x-amz-json-1.1'): AwsAnswer {
  return { type, body: JSON.stringify(document) }
}

/** A document of S3. */
export function s3Answer(root: string, body: string): AwsAnswer {
  return {
    type: 'application/xml',
    body: `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${body}</${root}>`,
  }
}

export function ec2Error(code: string, message: string, status = 400): AwsAnswer {
  return {
    status,
    type: 'text/xml',
    body: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>request-1</RequestID></Response>`,
  }
}

export function s3Error(code: string, status: number): AwsAnswer {
  return {
    status,
    type: 'application/xml',
    body: `<Error><Code>${code}</Code><Message>${code}</Message><RequestId>request-1</RequestId></Error>`,
  }
}
