import { connectAws } from '#core/aws/clients.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { silentLogger } from '#core/logger.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { AccessKey } from '#sandbox/aws/identity.ts'
import { WORLD } from '#sandbox/world.ts'

export interface TestSessions extends Disposable {
  readonly context: SessionContext
}

/**
 * Our client's sessions in the account of a test's cloud at `url` (plain http). The SDK looks for whom to be in this
 * process's environment, so that is where the key goes.
 */
export function sessionsAt(url: string, key: AccessKey): TestSessions {
  for (const name of Object.keys(process.env)) {
    if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
  }
  const environment = {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  Object.assign(process.env, environment)
  const agents = createOutboundAgents({})
  const region = WORLD.region
  const connection = connectAws({ region, environment, agents, clock: systemClock, version: '0.0.0-test' })
  return {
    context: {
      api: createSessionApi(connection),
      streamUrls: { region, override: url },
      agents,
      clock: systemClock,
      random: systemRandom,
      chance: Math.random,
      logger: silentLogger,
      limits: undefined,
      journal: { started: async () => undefined, terminated: async () => undefined },
    },
    [Symbol.dispose]: () => agents.close(),
  }
}
