/**
 * `pgctl logs` without a way to the cluster: the client, the follower and the output of the command, against an API
 * that is reached directly, as stern and kubectl reach theirs.
 *
 *     log-reader KUBECONFIG tidy|raw|json [--follow] [--grep REGEX] [--tail N]
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { KubeClient } from '#core/kube/client.ts'
import { followLogs } from '#core/kube/log-follower.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { createFilter } from '#core/logs/filter.ts'
import { STUB_APP, STUB_LABEL, STUB_NAMESPACE } from '#sandbox/log-stub/pod-object.ts'
import { toJson } from '../cli/render/json.ts'
import { LogLineRenderer } from '../cli/render/log-lines.ts'
import { LogTimes } from '../cli/render/log-times.ts'
import { logEventDocument, renderLogNotice } from '../cli/render/logs.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { follow: { type: 'boolean' }, grep: { type: 'string' }, tail: { type: 'string' } },
})
const [path = '', output = 'raw'] = positionals
const config = JSON.parse(readFileSync(path, 'utf8'))
const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster
const { token, exec } = config.users[0].user
const plain = (_: unknown, text: string) => text
const tidy = new LogLineRenderer(plain, false, new LogTimes({ name: 'UTC', asked: false }, false))
const stop = new AbortController()
process.once('SIGINT', () => stop.abort(new Error('interrupted')))

await using client = new KubeClient({
  server,
  tlsServerName: 'localhost',
  ca: Buffer.from(ca, 'base64').toString(),
  // The credential of an exec plugin is a file that `cat` prints.
  token: async () => ({ value: exec === undefined ? token : tokenIn(exec.args[0]), expires: Infinity }),
})
const include = values.grep === undefined ? [] : [new RegExp(values.grep, 'um')]
const accepts = createFilter({ include, exclude: [], level: undefined })
const options = {
  follow: values.follow ?? false,
  tail: values.tail === undefined ? undefined : Number(values.tail),
  sinceSeconds: undefined,
  previous: false,
  wanted: { accepts },
}
const selections = [{ service: STUB_APP, namespace: STUB_NAMESPACE, selector: `${STUB_LABEL}=${STUB_APP}` }]
try {
  for await (const batch of followLogs(client, selections, options, stop.signal)) await show(batch)
} catch (error) {
  if (!stop.signal.aborted) throw error
}

async function show(batch: readonly LogEvent[]): Promise<void> {
  const lines: string[] = []
  for (const event of batch)
    if (event.event === 'line') lines.push(render(event))
    else {
      const text = renderLogNotice(event, plain)
      if (text !== undefined) process.stderr.write(`${text}\n`)
    }
  if (lines.length === 0 || process.stdout.write(`${lines.join('\n')}\n`)) return
  await once(process.stdout, 'drain')
}

function render(event: Extract<LogEvent, { event: 'line' }>): string {
  if (output === 'tidy') return tidy.render(event)
  if (output === 'json') return toJson(logEventDocument(event))
  return event.rest.length === 0
    ? event.line.text
    : [event.line, ...event.rest].map(({ text }) => text).join('\n')
}

function tokenIn(credential: string): string {
  return JSON.parse(readFileSync(credential, 'utf8')).status.token
}
