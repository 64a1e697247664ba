import type { WorldPorts } from '#sandbox/world.ts'

/** Lets a host of an installation of the sandbox lead to another server of this computer from now on. */
export function redirect(world: WorldPorts, host: string, port: number, loopbackPort: number): void {
  // The agent asks this very map at every connection.
  const hosts = world.datastores as Map<string, { port: number; loopbackPort: number }>
  hosts.set(host, { port, loopbackPort })
}
