import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { AwsCredentials } from '#core/aws/clients.ts'
import type { Ms } from '#core/clock.ts'
import type { Environment } from '#core/io/outbound.ts'

/** A `GetCallerIdentity` that whoever holds its URL may send in the signer's name, within a minute. */
interface IdentityProof {
  readonly region: string
  readonly environment: Environment
  readonly credentials: AwsCredentials
  /** Headers that the sender must add, and that the signature covers besides the host. */
  readonly headers: Readonly<Record<string, string>>
  /** Wall-clock moment of the signature. */
  readonly now: Ms
}

const VALID_SECONDS = 60

/** The signed URL. It is a secret: with the headers it proves the signer's identity. */
export async function presignCallerIdentity(proof: IdentityProof): Promise<string> {
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const endpoint = new URL(stsEndpoint(proof.region, proof.environment))
  const signer = new SignatureV4({
    service: 'sts',
    region: proof.region,
    credentials: proof.credentials,
    sha256: Sha256,
  })
  const request = {
    method: 'GET',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port === '' ? {} : { port: Number(endpoint.port) }),
    path: endpoint.pathname,
    query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
    headers: { host: endpoint.host, ...proof.headers },
  }
  const { query = {} } = await signer.presign(request, {
    expiresIn: VALID_SECONDS,
    signingDate: new Date(proof.now),
  })
  for (const [name, value] of Object.entries(query)) endpoint.searchParams.set(name, String(value))
  return endpoint.href
}

/** A login to a database in the signer's name, for whoever holds it, within a quarter of an hour. */
interface DatabaseLogin {
  /** The database's own address, never that of a tunnel: the signature covers it. */
  readonly host: string
  readonly port: number
  /** A user of the database that may log in by tokens. */
  readonly user: string
  readonly region: string
  readonly credentials: AwsCredentials
  /** Wall-clock moment of the signature. */
  readonly now: Ms
}

const LOGIN_SECONDS = 15 * 60

/** The token that RDS takes in place of a password: the signed URL without its scheme. It is a secret. */
export async function presignDatabaseLogin(login: DatabaseLogin): Promise<string> {
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const { host, port, user, region, credentials, now } = login
  const signer = new SignatureV4({ service: 'rds-db', region, credentials, sha256: Sha256 })
  const request = {
    ...{ method: 'GET', protocol: 'https:', hostname: host, port, path: '/' },
    query: { Action: 'connect', DBUser: user },
    headers: { host: `${host}:${port}` },
  }
  const { query = {} } = await signer.presign(request, {
    expiresIn: LOGIN_SECONDS,
    signingDate: new Date(now),
  })
  const url = new URL(`https://${host}:${port}/`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  // The service reads percent signs alone, and its own port is no default to be left out.
  return `${host}:${port}/${url.search.replaceAll('+', '%20')}`
}

/** Partitions whose endpoints end in something else than the commercial one's. */
const DOMAINS: readonly (readonly [prefix: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
]

/** The region's STS, or the one that the SDK's own variables put in its place. */
export function stsEndpoint(region: string, environment: Environment): string {
  const ignored = environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true'
  const configured = environment['AWS_ENDPOINT_URL_STS'] || environment['AWS_ENDPOINT_URL']
  if (configured && !ignored) return configured
  const domain = DOMAINS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'
  return `https://sts.${region}.${domain}/`
}

type Data = string | ArrayBuffer | ArrayBufferView

/** SHA-256, or its HMAC where there is a key, in the shape that the signer asks for. */
class Sha256 {
  readonly #key: Data | undefined
  #state: Hash | Hmac

  constructor(key?: Data) {
    this.#key = key
    this.#state = this.#start()
  }

  update(data: Data): void {
    this.#state.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#state.digest())
  }

  reset(): void {
    this.#state = this.#start()
  }

  #start(): Hash | Hmac {
    return this.#key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#key))
  }
}

function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}
