import type { Sandbox } from '#sandbox/sandbox.ts'

/** Lets a host of the sandbox's first installation lead to another server of this computer from now on. */
export function redirect(sandbox: Sandbox, host: string, port: number, loopbackPort: number): void {
  // The agent asks this very map at every connection.
  const hosts = sandbox.world.datastores as Map<string, { port: number; loopbackPort: number }>
  hosts.set(host, { port, loopbackPort })
}
