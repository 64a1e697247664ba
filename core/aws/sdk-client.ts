import type { AwsConnection, ClientSettings } from '#core/aws/clients.ts'

/**
 * One client of a service a connection, made at its first use: the SDK's code is loaded then, and what a client
 * learns of endpoint and clock serves all calls.
 */
export function clientPerConnection<Client>(
  load: (settings: ClientSettings) => Promise<Client>,
): (connection: AwsConnection) => Promise<Client> {
  const clients = new WeakMap<ClientSettings, Promise<Client>>()
  return ({ settings }) => {
    const known = clients.get(settings)
    if (known !== undefined) return known
    const made = load(settings)
    clients.set(settings, made)
    return made
  }
}

/** How the SDK is told of a signal. */
export function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** What a call gives, or undefined where the service answers with one of the errors that say "there is none". */
export async function orNone<T>(answer: Promise<T>, ...names: readonly string[]): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    const { name, Code } = Object(error) as { name?: unknown; Code?: unknown }
    if (names.some((each) => each === name || each === Code)) return undefined
    throw error
  }
}
