/**
 * A log group of a sandbox, from wherever that is reached: `log-group.ts NOTES make GROUP [KEY]` makes it, `read
 * GROUP` prints its events with their streams as JSON.
 */

import { readFileSync } from 'node:fs'
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'

export interface StoredLogEvent {
  readonly stream: string
  readonly message: string
}

if (process.argv[1] === import.meta.filename) {
  const [file = '', what, group = '', kmsKeyId] = process.argv.slice(2)
  const { endpoint, operator } = JSON.parse(readFileSync(file, 'utf8')) as SandboxNotes
  // The authority of its certificate is named by NODE_EXTRA_CA_CERTS.
  const { https } = createOutboundAgents({})
  const requestHandler = { httpsAgent: https }
  const client = new CloudWatchLogsClient({
    ...{ region: WORLD.region, endpoint, credentials: operator, requestHandler },
  })
  if (what === 'make') await client.send(new CreateLogGroupCommand({ logGroupName: group, kmsKeyId }))
  else {
    const { events = [] } = await client.send(new FilterLogEventsCommand({ logGroupName: group }))
    const stored = events.map(({ logStreamName = '', message = '' }): StoredLogEvent => {
      return { stream: logStreamName, message }
    })
    process.stdout.write(JSON.stringify(stored))
  }
  client.destroy()
  https.destroy()
}
