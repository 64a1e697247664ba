/** Prints the messages of a log group, one a line as JSON: `read-log-group.ts NOTES GROUP`, where the sandbox is near. */

import { readFileSync } from 'node:fs'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'

const [, , file = '', logGroupName = ''] = process.argv
const { endpoint, operator } = JSON.parse(readFileSync(file, 'utf8')) as SandboxNotes
const client = new CloudWatchLogsClient({
  // The same port answers to plain requests of the loopback.
  endpoint: endpoint.replace('https:', 'http:'),
  region: WORLD.region,
  credentials: operator,
})
const { events = [] } = await client.send(new FilterLogEventsCommand({ logGroupName }))
for (const { logStreamName, message } of events)
  process.stdout.write(`${JSON.stringify({ logStreamName, message })}\n`)
