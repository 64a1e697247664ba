import assert from 'node:assert/strict'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { WORLD } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import type { TestCloud } from './test-cloud.ts'

/** What a client is told otherwise than by default. */
export interface ClientOverrides {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  readonly endpoint?: string
  readonly region?: string
  readonly systemClockOffset?: number
}

interface ClientSettings {
  region: string
  endpoint: string
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  maxAttempts: number
  systemClockOffset?: number
}

/** Makes clients of the vendor's SDK for a test's cloud, and ends them together. */
export class SdkClients {
  readonly #fixture: TestCloud
  readonly #made: Array<{ destroy(): void }> = []

  constructor(fixture: TestCloud) {
    this.#fixture = fixture
  }

  /** A client as the operator, which tries once. */
  of<C extends { destroy(): void }>(
    service: new (settings: ClientSettings) => C,
    overrides: ClientOverrides = {},
  ): C {
    const { operator, url } = this.#fixture
    const { accessKeyId, secretAccessKey } = { ...operator, ...overrides }
    const { sessionToken, systemClockOffset } = overrides
    const client = new service({
      region: overrides.region ?? WORLD.region,
      endpoint: overrides.endpoint ?? url,
      credentials: {
        accessKeyId,
        secretAccessKey,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      },
      maxAttempts: 1,
      ...(systemClockOffset === undefined ? {} : { systemClockOffset }),
    })
    this.#made.push(client)
    return client
  }

  /** What a client must be told to act on `world`: its region, and the credentials of its role if it has one. */
  async into(world: World): Promise<ClientOverrides> {
    const { role, region } = world
    if (role === undefined) return { region }
    const { Credentials } = await this.of(STSClient, { region }).send(
      new AssumeRoleCommand({ RoleArn: role.arn, RoleSessionName: 'test', ExternalId: role.externalId }),
    )
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken } = Credentials ?? {}
    assert.ok(accessKeyId && secretAccessKey && SessionToken)
    return { region, accessKeyId, secretAccessKey, sessionToken: SessionToken }
  }

  destroy(): void {
    for (const client of this.#made.splice(0)) client.destroy()
  }
}

/** An error of the SDK, as far as a test looks at it. */
export interface SdkError {
  readonly name: string
  readonly message: string
  readonly $metadata: { readonly httpStatusCode?: number; readonly requestId?: string }
}

/** The error that `promise` rejects with; one that does not fails the test. */
export async function errorOf(promise: Promise<unknown>): Promise<SdkError> {
  try {
    await promise
  } catch (error) {
    return error as SdkError
  }
  assert.fail('an error was expected')
}
