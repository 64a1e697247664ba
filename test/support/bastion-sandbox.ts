/**
 * A sandbox whose bastion is another machine: `bastion-sandbox.ts FILE [NAME...]` writes there what an agent has to know;
 * the names are on the certificate of its endpoint.
 */

import { writeFileSync } from 'node:fs'
import { startSandbox } from '#sandbox/sandbox.ts'
import type { WorldPorts } from '#sandbox/world.ts'

export interface SandboxNotes {
  readonly endpoint: string
  readonly authority: string
  readonly operator: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly agent: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly world: Omit<WorldPorts, 'datastores' | 'installation'>
  readonly datastores: readonly (readonly [
    string,
    { readonly port: number; readonly loopbackPort: number },
  ])[]
}

if (process.argv[1] === import.meta.filename) {
  const [file = '', ...names] = process.argv.slice(2)
  const sandbox = await startSandbox({ agent: 'external', pace: 'none', names })
  const { datastores, installation: _, ...world } = sandbox.world
  const { endpoint, authority, operator, agent } = sandbox
  const notes: SandboxNotes = {
    endpoint,
    authority,
    operator,
    agent,
    world,
    datastores: [...(datastores ?? [])],
  }
  writeFileSync(file, JSON.stringify(notes), { mode: 0o644 })
  process.stdout.write('ready\n')
}
