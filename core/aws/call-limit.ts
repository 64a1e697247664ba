import type { AwsConnection } from '#core/aws/clients.ts'

/**
 * The same connection with at most `places` calls under way at once: enough to be quick, and few enough that one
 * person's look at an installation does not use up what the account may ask in a second.
 */
export function limitCalls(connection: AwsConnection, places: number): AwsConnection {
  let free = places
  const waiting: Array<() => void> = []
  const enter = () => {
    if (free > 0) {
      free--
      return undefined
    }
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
  return {
    ...connection,
    async call(call, signal, run) {
      await enter()
      try {
        return await connection.call(call, signal, run)
      } finally {
        leave()
      }
    },
  }
}
