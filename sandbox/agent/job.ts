import { PgctlError } from '#core/errors.ts'

/** What a session does on the node, as the session document says. */
export type AgentSessionType = 'Standard_Stream' | 'InteractiveCommands' | 'NonInteractiveCommands' | 'Port'

/** One session to serve: the task of an `interactive_shell` message, its placeholders filled in. */
export interface SessionJob {
  readonly sessionId: string
  readonly type: AgentSessionType
  /** The document's properties, with the parameters in their places. */
  readonly properties: Readonly<Record<string, unknown>>
  /** The key that the account's preferences encrypt sessions with. */
  readonly kmsKeyId: string | undefined
  /** What the account's preferences have a login shell run at its beginning; empty for nothing. */
  readonly shellProfile: string
}

const TYPES: readonly string[] = [
  'Standard_Stream',
  'InteractiveCommands',
  'NonInteractiveCommands',
  'Port',
] satisfies AgentSessionType[]

/**
 * Reads the payload of an `interactive_shell` or `agent_job` message of the control channel:
 *
 *     {"Content": TASK as a string, "TaskId" or "JobId": …, "Topic": …, "SchemaVersion": 1}
 *     TASK = {"DocumentName": …, "SessionId": …, "Parameters": {NAME: [VALUE, …]},
 *             "DocumentContent": {"schemaVersion": "1.0", "sessionType": …, "inputs": {"kmsKeyId": …},
 *                                 "parameters": {NAME: {"default": …}}, "properties": {…"{{ NAME }}"…}}}
 *
 * The service leaves the placeholders to the agent, and sends values as lists or as plain text. Fails with
 * `protocol-violation` on anything else.
 */
export function parseSessionJob(payload: Uint8Array): SessionJob {
  const envelope = record(parse(Buffer.from(payload).toString('utf8')), 'the message')
  const task = record(parse(text(envelope['Content'], 'Content')), 'the task')
  const content = record(task['DocumentContent'], 'DocumentContent')
  const type = text(content['sessionType'], 'sessionType')
  if (!TYPES.includes(type)) throw violation(`the session type ${JSON.stringify(type)} is unknown`)
  const inputs = optionalRecord(content['inputs'], 'inputs')
  const values = parameterValues(content['parameters'], task['Parameters'])
  const kmsKeyId = inputs['kmsKeyId']
  const { linux } = optionalRecord(inputs['shellProfile'], 'shellProfile')
  return {
    sessionId: text(task['SessionId'], 'SessionId'),
    type: type as AgentSessionType,
    properties: record(fill(optionalRecord(content['properties'], 'properties'), values), 'properties'),
    kmsKeyId: typeof kmsKeyId === 'string' && kmsKeyId !== '' ? kmsKeyId : undefined,
    shellProfile: typeof linux === 'string' ? linux.trim() : '',
  }
}

/** The command of a job, or undefined for a login shell. */
export function commandOf(job: SessionJob): string | undefined {
  const commands = linuxProperties(job)['commands']
  return typeof commands === 'string' && commands !== '' ? commands : undefined
}

/** Whether the document keeps stderr apart and tells the exit code; the vendor's agent takes text and truth values. */
export function separatesOutput(job: SessionJob): boolean {
  const value = linuxProperties(job)['separateOutputStream']
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true')
}

/** What a port session connects to. */
export interface PortProperties {
  readonly host: string
  readonly port: number
  /** Many connections in one session; a client that is too old gets one raw stream all the same. */
  readonly multiplexed: boolean
}

/** The properties of a `Port` job, or undefined when its port is no port. */
export function portPropertiesOf(job: SessionJob): PortProperties | undefined {
  const port = Number(job.properties['portNumber'])
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined
  const host = job.properties['host']
  return {
    host: typeof host === 'string' && host !== '' ? host : 'localhost',
    port,
    multiplexed: job.properties['type'] === 'LocalPortForwarding',
  }
}

function linuxProperties(job: SessionJob): Record<string, unknown> {
  return optionalRecord(job.properties['linux'], 'linux')
}

/** Each parameter's value as text: the caller's, or the document's default. */
function parameterValues(declared: unknown, given: unknown): Map<string, string> {
  const values = new Map<string, string>()
  for (const [name, declaration] of Object.entries(optionalRecord(declared, 'parameters'))) {
    const fallback = optionalRecord(declaration, name)['default']
    if (fallback !== undefined) values.set(name, asText(fallback))
  }
  for (const [name, value] of Object.entries(optionalRecord(given, 'Parameters')))
    values.set(name, asText(value))
  return values
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(' ') : String(value)
}

/** `value` with every `{{ name }}` in its texts replaced. */
function fill(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    return value.replace(
      /\{\{\s*([\w-]+)\s*\}\}/g,
      (placeholder, name: string) => values.get(name) ?? placeholder,
    )
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, values)]))
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw violation('it is not JSON', cause)
  }
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw violation(`${name} is no object`)
  return value as Record<string, unknown>
}

function optionalRecord(value: unknown, name: string): Record<string, unknown> {
  return value === undefined || value === null ? {} : record(value, name)
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw violation(`${name} is no text`)
  return value
}

function violation(why: string, cause?: unknown): PgctlError {
  return new PgctlError('protocol-violation', 'the gateway sent a session that the agent cannot read', {
    why,
    cause,
  })
}
