import type { AwsConnection } from '#core/aws/clients.ts'
import { Places } from '#core/places.ts'

/**
 * The same connection with at most `places` calls under way at once: enough to be quick, and few enough that one
 * person's look at an installation does not use up what the account may ask in a second.
 */
export function limitCalls(connection: AwsConnection, places: number): AwsConnection {
  const taken = new Places(places)
  return {
    ...connection,
    async call(call, signal, run) {
      await taken.enter(signal)
      try {
        return await connection.call(call, signal, run)
      } finally {
        taken.leave()
      }
    },
  }
}
