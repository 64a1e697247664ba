/** What the world's services write: JSON of Node services, logfmt of Go ones, access logs, traces, start-up noise. */

import type { Ms } from '#core/clock.ts'
import type { WorldService } from '#sandbox/world.ts'

/** A number from 0 up to 1, by chance. */
export type Chance = () => number

/** One write of a program: a line, or several that belong together. */
export type Writer = (chance: Chance, pod: string, wall: Ms) => string[]

/** Chance that a seed repeats. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const LEVEL = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const

function json(
  level: keyof typeof LEVEL,
  pod: string,
  wall: Ms,
  fields: Record<string, unknown>,
  msg: string,
): string {
  return JSON.stringify({ level: LEVEL[level], time: wall, pid: 1, hostname: pod, ...fields, msg })
}

function pick<T>(chance: Chance, choices: readonly T[]): T {
  return choices[Math.floor(chance() * choices.length)] as T
}

function hex(chance: Chance, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(chance() * 16).toString(16)).join('')
}

function between(chance: Chance, least: number, most: number): number {
  return Math.floor(least + chance() * (most - least))
}

/** The first of the weighted writers whose share holds the next chance. */
function oneOf(chance: Chance, writers: readonly (readonly [share: number, writer: Writer])[]): Writer {
  let left = chance() * writers.reduce((sum, [share]) => sum + share, 0)
  for (const [share, writer] of writers) {
    left -= share
    if (left < 0) return writer
  }
  return () => []
}

const PATHS = [
  '/api/projects',
  '/api/users/me',
  '/api/integrations',
  '/api/workflows/run',
  '/api/events',
  '/healthz',
]
const INTEGRATIONS = ['salesforce', 'hubspot', 'slack', 'googledrive', 'jira', 'zendesk', 'notion']

const hermesRequest: Writer = (chance, pod, wall) => {
  const url = pick(chance, PATHS)
  const statusCode = pick(chance, [200, 200, 200, 201, 204, 304, 404])
  const fields = {
    requestId: hex(chance, 16),
    req: { method: statusCode === 201 ? 'POST' : 'GET', url },
    res: { statusCode },
    responseTime: between(chance, 2, 340),
  }
  return [json('info', pod, wall, fields, 'request completed')]
}

const hermesJob: Writer = (chance, pod, wall) => {
  const fields = {
    requestId: hex(chance, 16),
    integration: pick(chance, INTEGRATIONS),
    attempt: between(chance, 1, 3),
  }
  return [
    json(
      'info',
      pod,
      wall,
      fields,
      pick(chance, ['webhook delivered', 'event published', 'trigger matched']),
    ),
  ]
}

const hermesWarning: Writer = (chance, pod, wall) => {
  const fields = {
    requestId: hex(chance, 16),
    integration: pick(chance, INTEGRATIONS),
    retryInMs: between(chance, 200, 8000),
  }
  return [json('warn', pod, wall, fields, 'rate limited by provider, will retry')]
}

const hermesError: Writer = (chance, pod, wall) => {
  const host = `${pick(chance, INTEGRATIONS)}.proxy.internal.acme.example`
  const message = `connect ETIMEDOUT ${host}:443`
  const err = {
    type: 'Error',
    code: 'ETIMEDOUT',
    message,
    stack: [
      `Error: ${message}`,
      '    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)',
      `    at async ProviderClient.send (/app/dist/providers/client.js:${between(chance, 40, 190)}:19)`,
      `    at async deliverWebhook (/app/dist/webhooks/deliver.js:${between(chance, 20, 90)}:5)`,
    ].join('\n'),
  }
  return [json('error', pod, wall, { requestId: hex(chance, 16), err }, 'webhook delivery failed')]
}

/** A warning of the runtime, which knows nothing of JSON. */
const nodeWarning: Writer = () => [
  '(node:1) MaxListenersExceededWarning: Possible EventEmitter memory leak detected. 11 close listeners added to [Socket].',
  '(Use `node --trace-warnings ...` to show where the warning was created)',
]

const cerberusRequest: Writer = (chance, pod, wall) => {
  const fields = {
    requestId: hex(chance, 16),
    userId: `usr_${hex(chance, 8)}`,
    method: pick(chance, ['password', 'oauth', 'api-key', 'session']),
    durationMs: between(chance, 1, 60),
  }
  return [
    json('info', pod, wall, fields, pick(chance, ['token issued', 'token verified', 'session refreshed'])),
  ]
}

const cerberusRefusal: Writer = (chance, pod, wall) => [
  json('warn', pod, wall, { requestId: hex(chance, 16), reason: 'token expired' }, 'authentication refused'),
]

/** A trace on lines of its own, as an uncaught error prints it. */
const cerberusTrace: Writer = (chance, pod, wall) => [
  json('error', pod, wall, { requestId: hex(chance, 16) }, 'unhandled rejection in key rotation'),
  "TypeError: Cannot read properties of undefined (reading 'kid')",
  `    at rotateKeys (/app/dist/keys/rotate.js:${between(chance, 10, 80)}:27)`,
  '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
  '    at async Timeout._onTimeout (/app/dist/keys/schedule.js:14:7)',
]

/** Written by a tool that thinks it has a terminal. */
const colouredLine: Writer = (chance) => [
  `\u001b[32m✔\u001b[39m migrations up to date \u001b[2m(${between(chance, 120, 180)} applied)\u001b[22m`,
]

const grafanaLine: Writer = (chance, _pod, wall) => {
  const logger = pick(chance, [
    'ngalert.scheduler',
    'context',
    'plugins.update.checker',
    'cleanup',
    'tsdb.prometheus',
  ])
  const level = pick(chance, ['info', 'info', 'info', 'debug', 'warn'])
  const message = pick(chance, [
    'Request Completed',
    'Completed cleanup jobs',
    'Update check succeeded',
    'Rule evaluated',
  ])
  return [
    `logger=${logger} t=${new Date(wall).toISOString()} level=${level} msg="${message}" duration=${between(chance, 1, 90)}ms`,
  ]
}

const accessLine: Writer = (chance, _pod, wall) => {
  const path = pick(chance, ['/text/2048', '/random/65536', '/sink', '/healthz', '/echo'])
  const time = new Date(wall)
    .toUTCString()
    .replace(/^\w+, (\d+) (\w+) (\d+) ([\d:]+) GMT$/, '$1/$2/$3:$4 +0000')
  const method = path === '/sink' ? 'PUT' : 'GET'
  return [
    `10.0.16.20 - - [${time}] "${method} ${path} HTTP/1.1" ${pick(chance, [200, 200, 200, 404])} ` +
      `${between(chance, 20, 70_000)} "-" "curl/8.14.1"`,
  ]
}

const MIXES: Readonly<Record<WorldService, readonly (readonly [number, Writer])[]>> = {
  hermes: [
    [60, hermesRequest],
    [28, hermesJob],
    [7, hermesWarning],
    [4, hermesError],
    [1, nodeWarning],
  ],
  cerberus: [
    [80, cerberusRequest],
    [14, cerberusRefusal],
    [3, cerberusTrace],
    [3, colouredLine],
  ],
  grafana: [[1, grafanaLine]],
  payload: [[1, accessLine]],
}

/** What a service writes when something has happened. */
export function writeOf(service: WorldService): Writer {
  return (chance, pod, wall) => oneOf(chance, MIXES[service])(chance, pod, wall)
}

/** What a service writes when it starts. */
export function startLines(service: WorldService, pod: string, wall: Ms, port: number): string[] {
  if (service === 'grafana' || service === 'payload') return [`starting ${service}, listening on :${port}`]
  return [
    json('info', pod, wall, { version: '2026.11.2' }, `${service} starting`),
    json('info', pod, wall, { port }, `listening on 0.0.0.0:${port}`),
  ]
}

/** The last words of a Node process whose heap is full. */
export function outOfMemoryLines(pod: string, wall: Ms): string[] {
  return [
    json('warn', pod, wall, { heapUsedMb: 498, heapLimitMb: 512 }, 'memory pressure'),
    '<--- Last few GCs --->',
    `[1:0x7f3c5c0]  ${Math.floor(wall % 1e9)} ms: Mark-Compact 503.9 (520.6) -> 503.1 (521.1) MB, 412.70 / 0.00 ms  allocation failure`,
    'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory',
  ]
}
