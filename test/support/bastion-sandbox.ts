/**
 * A sandbox whose bastion is another machine: `bastion-sandbox.ts FILE [NAME...] [{KNOBS}]` writes there what an agent has
 * to know; the names are on the certificate of its endpoint, the knobs are turned before.
 */

import { writeFileSync } from 'node:fs'
import { knobsChangeSchema } from '#sandbox/knobs.ts'
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
  const [file = '', ...words] = process.argv.slice(2)
  const names = words.filter((word) => !word.startsWith('{'))
  const [knobs = '{}'] = words.filter((word) => word.startsWith('{'))
  const sandbox = await startSandbox({ agent: 'external', pace: 'none', names })
  sandbox.cloud.state.turn(knobsChangeSchema.parse(JSON.parse(knobs)))
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
