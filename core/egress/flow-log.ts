import type { Bytes, Ms } from '#core/clock.ts'

/*
 * VPC flow logs, version 2 by default: one record a line, fields apart by spaces.
 *
 *   version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
 *
 * A file from S3 begins with the names of its fields, which may be others and in another order; without such a line
 * the fields are those above.
 */

/** What one interface sent to one address in one interval. */
export interface Flow {
  readonly interface: string
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly port: number
  /** The IANA number: 6 is TCP, 17 UDP. */
  readonly protocol: number
  readonly bytes: Bytes
  readonly start: Ms
  readonly end: Ms
  readonly accepted: boolean
}

export interface FlowLog {
  readonly flows: readonly Flow[]
  /** Records that the service says it lost: what they would have shown is not known. */
  readonly skipped: number
  /** Lines that are no records. */
  readonly malformed: number
}

const DEFAULT_FIELDS =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'.split(
    ' ',
  )
const NEEDED = ['interface-id', 'srcaddr', 'dstaddr', 'start', 'end', 'action']

/** Whether a text begins as a flow log does: with the names of fields, or with a record of version 2. */
export function looksLikeFlowLog(text: string): boolean {
  const [first = ''] = text.trimStart().split('\n', 1)
  return isHeader(first) || /^2 \d{12} eni-/.test(first)
}

export function parseFlowLog(text: string): FlowLog {
  const flows: Flow[] = []
  let fields: readonly string[] = DEFAULT_FIELDS
  let skipped = 0
  let malformed = 0
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue
    if (isHeader(line)) {
      fields = line.split(/\s+/)
      continue
    }
    const values = line.split(/\s+/)
    const record = new Map(fields.map((name, at) => [name, values[at] ?? '-']))
    const status = record.get('log-status')
    if (status === 'SKIPDATA') skipped++
    if (status === 'SKIPDATA' || status === 'NODATA') continue
    const flow = values.length === fields.length ? toFlow(record) : undefined
    if (flow === undefined) malformed++
    else flows.push(flow)
  }
  return { flows, skipped, malformed }
}

function isHeader(line: string): boolean {
  const words = line.split(/\s+/)
  return NEEDED.every((name) => words.includes(name))
}

function toFlow(record: ReadonlyMap<string, string>): Flow | undefined {
  const number = (name: string) => {
    const text = record.get(name) ?? '-'
    return text === '-' ? 0 : Number(text)
  }
  const text = (name: string) => record.get(name) ?? '-'
  const flow: Flow = {
    interface: text('interface-id'),
    source: text('srcaddr'),
    destination: text('dstaddr'),
    sourcePort: number('srcport'),
    port: number('dstport'),
    protocol: number('protocol'),
    bytes: number('bytes'),
    start: number('start') * 1_000,
    end: number('end') * 1_000,
    accepted: text('action') === 'ACCEPT',
  }
  const numbers = [flow.sourcePort, flow.port, flow.protocol, flow.bytes, flow.start, flow.end]
  const isWhole = numbers.every(Number.isFinite) && flow.source !== '-' && flow.destination !== '-'
  return isWhole ? flow : undefined
}
