import { createConnection } from 'node:net'
import type { Fetched } from './http-over.ts'
import { fetchOver } from './http-over.ts'

/** One HTTP request through the local end of a tunnel, on a connection of its own. */
export function fetchThrough(
  { host = '127.0.0.1', port }: { host?: string; port: number },
  path: string,
  options?: Parameters<typeof fetchOver>[2],
): Promise<Fetched> {
  return fetchOver(createConnection({ host, port, noDelay: true }), path, options)
}
