import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'

/** One sandbox, as `sandbox status` tells of it. */
export interface SandboxRow {
  readonly name: string
  readonly state: 'running' | 'starting' | 'broken'
  /** Where it answers, once it does. */
  readonly endpoint: string | null
  readonly pid: number | null
  readonly agent: 'own' | 'external' | null
  readonly openSessions: number | null
  /** What is wrong with a broken one. */
  readonly why: string | null
}

/** One line a sandbox, for a person. */
export function renderSandboxes(rows: readonly SandboxRow[], paint: Paint): string {
  if (rows.length === 0) return 'there is no sandbox; start one: pgctl sandbox up'
  const width = Math.max(...rows.map(({ name }) => name.length))
  return rows.map((row) => `${paint('bold', row.name.padEnd(width))}  ${describe(row, paint)}`).join('\n')
}

function describe(row: SandboxRow, paint: Paint): string {
  if (row.state === 'starting') return paint('yellow', 'starting')
  if (row.state === 'broken') {
    const next = `end it: pgctl sandbox down${row.name === 'default' ? '' : ` --name ${row.name}`}`
    return `${paint('red', 'broken')}  ${neutralise(row.why ?? '')}; ${next}`
  }
  const sessions = `${row.openSessions} open ${row.openSessions === 1 ? 'session' : 'sessions'}`
  const agent = row.agent === 'external' ? ', agent external' : ''
  return `${paint('green', 'running')}  ${row.endpoint}  process ${row.pid}, ${sessions}${agent}`
}

/** One knob a line; a star stands before each that has been turned. */
export function renderKnobs(
  knobs: ReadonlyArray<{ readonly text: string; readonly turned: boolean }>,
  paint: Paint,
): string {
  return knobs
    .map(({ text, turned }) => (turned ? `${paint('yellow', '*')} ${text}` : `  ${text}`))
    .join('\n')
}

/** Lines for the shell's `eval`. */
export function renderEnvironment(change: {
  readonly set: Readonly<Record<string, string>>
  readonly unset: readonly string[]
}): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  return [
    ...Object.entries(change.set).map(([name, value]) => `export ${name}=${quote(value)}`),
    `unset ${change.unset.join(' ')}`,
  ].join('\n')
}
