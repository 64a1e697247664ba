import { createHash } from 'node:crypto'
import type { Agent as HttpAgent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import { type AwsCall, translateAwsError } from '#core/aws/errors.ts'
import type { Clock, Ms } from '#core/clock.ts'
import type { Environment, OutboundAgents } from '#core/io/outbound.ts'

/**
 * How every AWS client is set up, decided once: who calls, from which region, through which agents, and how often it
 * tries. Endpoints are the SDK's own matter (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_SSM`…).
 */

const CONNECT_TIMEOUT: Ms = 5_000
/** Longest silence: until the answer begins, and between its parts. */
const SILENCE_TIMEOUT: Ms = 20_000
const ATTEMPTS = 4
/** Credentials are renewed when less than this is left of them. */
const RENEWAL_MARGIN: Ms = 5 * 60_000
/** Credentials that do not say when they end are looked up again after this: someone may have replaced them. */
const UNDATED_LIFETIME: Ms = 10 * 60_000

/** Whom to be, and where. */
export interface AwsAccess {
  /** Whether this is the account of an installation that is configured; failures advise accordingly. */
  readonly hasInstallation?: boolean
  readonly region: string
  /** A profile of the AWS configuration files; undefined is whatever the environment offers. */
  readonly profile?: string | undefined
  readonly role?: { readonly arn: string; readonly externalId?: string | undefined } | undefined
  readonly environment: Environment
  readonly agents: OutboundAgents
  readonly clock: Clock
  /** Instead of what the environment and the region say. */
  readonly endpoints?: Endpoints
  /** The version of pgctl, for the user agent. */
  readonly version: string
}

export interface AwsCredentials {
  readonly accessKeyId: string
  /** Secret. */
  readonly secretAccessKey: string
  /** Secret. */
  readonly sessionToken?: string
  /** When they stop being good; undefined for a long-lived key. */
  readonly expires: Ms | undefined
}

/** What a client of the SDK is made with, in our own words. */
export interface ClientSettings {
  readonly region: string
  readonly profile?: string
  readonly credentials: () => Promise<{
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
    expiration: Date
  }>
  readonly requestHandler: HttpSettings
  readonly retryMode: 'standard'
  readonly maxAttempts: number
  readonly customUserAgent: [string, string][]
  /** Ours, not the SDK's: see `withEndpoint`. */
  readonly endpoints: Endpoints
}

interface HttpSettings {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
  readonly connectionTimeout: Ms
  readonly requestTimeout: Ms
  readonly throwOnRequestTimeout: true
  readonly socketTimeout: Ms
}

/** The services whose endpoints a configuration may name, as for PrivateLink without private names. */
export const ENDPOINT_SERVICES = ['ssm', 'ssmmessages', 'sts', 'ec2', 'eks', 'kms'] as const
export type EndpointService = (typeof ENDPOINT_SERVICES)[number]
export type Endpoints = Readonly<Partial<Record<EndpointService, string | undefined>>>

/** The settings for a client of `service`, at the endpoint that is configured for it, if any. */
export function withEndpoint(
  { endpoints, ...settings }: ClientSettings,
  service: EndpointService,
): ClientSettings & { readonly endpoint?: string } {
  const endpoint = endpoints[service]
  return { ...settings, endpoints, ...(endpoint === undefined ? {} : { endpoint }) }
}

/** One caller in one region: what the adapters of this folder are made from. */
export interface AwsConnection {
  readonly region: string
  readonly environment: Environment
  readonly clock: Clock
  readonly settings: ClientSettings
  /** The caller's credentials, fetched once and renewed before they end. @throws PgctlError `credentials-…` */
  credentials(): Promise<AwsCredentials>
  /** Runs one call, and gives whatever it throws its place among our errors. */
  call<T>(call: AwsCall, signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T>
}

/** Prepares access to AWS; nothing is loaded or sent before the first call. */
export function connectAws(access: AwsAccess): AwsConnection {
  const profile = access.profile ?? (access.environment['AWS_PROFILE'] || undefined)
  const { region, hasInstallation = false } = access
  const caller = { profile, region, hasInstallation }
  const http: HttpSettings = {
    httpAgent: access.agents.http,
    httpsAgent: access.agents.https,
    connectionTimeout: CONNECT_TIMEOUT,
    requestTimeout: SILENCE_TIMEOUT,
    throwOnRequestTimeout: true,
    socketTimeout: SILENCE_TIMEOUT,
  }
  const credentials = rememberCredentials(access.clock, async () => {
    try {
      return await loadCredentials(access, http)
    } catch (error) {
      throw translateAwsError(error, credentialsCall(access), caller)
    }
  })
  return {
    region: access.region,
    environment: access.environment,
    clock: access.clock,
    credentials,
    settings: {
      region: access.region,
      ...(profile === undefined ? {} : { profile }),
      credentials: async () => withExpiration(await credentials(), access.clock.now().wall),
      requestHandler: http,
      retryMode: 'standard',
      maxAttempts: ATTEMPTS,
      customUserAgent: userAgent(access),
      endpoints: access.endpoints ?? {},
    },
    async call(call, signal, run) {
      signal?.throwIfAborted()
      try {
        return await run()
      } catch (error) {
        signal?.throwIfAborted()
        throw translateAwsError(error, call, caller)
      }
    },
  }
}

/** A digest that stands for an access key where its id should not be written down. */
export function accessKeyDigest(accessKeyId: string): string {
  return createHash('sha256').update(`pgctl access key ${accessKeyId}`).digest('hex').slice(0, 32)
}

/** Ten tunnels that wake up together ask for credentials once. */
function rememberCredentials(
  clock: Clock,
  load: () => Promise<AwsCredentials>,
): () => Promise<AwsCredentials> {
  let remembered: { credentials: Promise<AwsCredentials>; renewAt: Ms } | undefined
  return () => {
    if (remembered !== undefined && clock.now().wall < remembered.renewAt) return remembered.credentials
    const flight = { credentials: load(), renewAt: Infinity }
    remembered = flight
    flight.credentials.then(
      ({ expires }) => {
        flight.renewAt = (expires ?? clock.now().wall + UNDATED_LIFETIME) - RENEWAL_MARGIN
      },
      () => {
        if (remembered === flight) remembered = undefined
      },
    )
    return flight.credentials
  }
}

/** The SDK keeps undated credentials for ever; a date makes it come back to us. */
function withExpiration({ expires, ...keys }: AwsCredentials, now: Ms) {
  return { ...keys, expiration: new Date(expires ?? now + UNDATED_LIFETIME) }
}

async function loadCredentials(access: AwsAccess, http: HttpSettings): Promise<AwsCredentials> {
  const { fromNodeProviderChain, fromTemporaryCredentials } = await import('#core/aws/parts/credentials.ts')
  const clientConfig = { requestHandler: http, maxAttempts: ATTEMPTS, customUserAgent: userAgent(access) }
  // No region here: it would override the one of a profile's single sign-on.
  const own = fromNodeProviderChain({
    ...(access.profile === undefined ? {} : { profile: access.profile }),
    ignoreCache: true,
    logger: silent,
    clientConfig,
  })
  const provider =
    access.role === undefined
      ? own
      : fromTemporaryCredentials({
          masterCredentials: own,
          params: {
            RoleArn: access.role.arn,
            RoleSessionName: sessionName(access.environment),
            ...(access.role.externalId === undefined ? {} : { ExternalId: access.role.externalId }),
          },
          clientConfig: {
            ...clientConfig,
            region: access.region,
            ...(access.endpoints?.sts === undefined ? {} : { endpoint: access.endpoints.sts }),
          },
        })
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider()
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    expires: expiration?.getTime(),
  }
}

function credentialsCall({ role, profile }: AwsAccess): AwsCall {
  if (role !== undefined)
    return { action: 'sts:AssumeRole', purpose: `assume the role ${role.arn}`, resource: role.arn }
  return {
    action: 'sts:AssumeRole',
    purpose:
      profile === undefined ? 'get AWS credentials' : `get the credentials of the AWS profile ${profile}`,
  }
}

/** Names the person in the customer's audit log; the service takes letters, digits and `+=,.@-_`. */
function sessionName(environment: Environment): string {
  const user = environment['USER'] || environment['USERNAME'] || 'operator'
  return `pgctl-${user.replaceAll(/[^\w+=,.@-]/g, '-')}`.slice(0, 64)
}

function userAgent({ version }: AwsAccess): [string, string][] {
  return [['pgctl', version]]
}

/** The SDK warns on the console otherwise, in the middle of a command's output. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }
