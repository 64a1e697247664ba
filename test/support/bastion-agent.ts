/**
 * The sandbox's agent, as a program on a machine of its own: `bastion-agent.ts FILE` with what `bastion-sandbox.ts`
 * has told. It prints a line when it is connected.
 */

import { readFileSync } from 'node:fs'
import { startAgent } from '#sandbox/agent/io/agent.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'

const notes = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as SandboxNotes
await startAgent({
  gateway: notes.endpoint,
  kms: notes.endpoint,
  ca: notes.authority,
  credentials: notes.agent,
  world: { ...notes.world, datastores: new Map(notes.datastores) },
  pace: 'none',
})
process.stdout.write('connected\n')
