/**
 * A sandbox whose bastion is another machine: `bastion-sandbox.ts FILE [CHANGES] [NAMES]` writes there what an agent has
 * to know. Changes are of knobs, as JSON; names, with commas between, are further ones on its certificate.
 */

import { writeFileSync } from 'node:fs'
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs'
import { knobsChangeSchema } from '#sandbox/knobs.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD, type WorldPorts } from '#sandbox/world.ts'

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
  const [, , file = '', changes = '{}', names = ''] = process.argv
  const more = names === '' ? [] : names.split(',')
  const sandbox = await startSandbox({ agent: 'external', pace: 'none', names: more })
  const { sessionLog } = sandbox.cloud.state.turn(knobsChangeSchema.parse(JSON.parse(changes)))
  if (sessionLog !== null) await makeLogGroup(sandbox, sessionLog)
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

async function makeLogGroup({ plainEndpoint, operator }: Sandbox, logGroupName: string): Promise<void> {
  const client = new CloudWatchLogsClient({
    endpoint: plainEndpoint,
    region: WORLD.region,
    credentials: operator,
  })
  await client.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId: WORLD.kmsKeyArn }))
  client.destroy()
}
