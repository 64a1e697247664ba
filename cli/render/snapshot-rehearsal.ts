import type { EngineReport, RehearsalReport, TableRows } from '#core/snapshots/rehearsal/report.ts'
import { neutralise } from '#core/text/neutralise.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** Tables that a person is shown; the document has all. */
const SHOWN = 20

export function renderRehearsal(report: RehearsalReport, paint: Paint): string {
  const { point, engines, checks, network, took } = report
  const failed = checks.filter(({ passed }) => !passed).length
  return [
    `${paint('bold', point ?? 'a rehearsal')}  ${seconds(took)}, ${NETWORK[network]}; the copies are gone`,
    ...engines.flatMap((engine) => engineLines(engine, paint)),
    ...checks.map(({ file, passed, says }) => {
      const mark = passed ? paint('green', 'ok  ') : paint('red', 'FAIL')
      return `${mark}  ${neutralise(file)}: ${neutralise(says)}`
    }),
    failed === 0
      ? paint('green', 'it restores')
      : paint('red', `${failed} of ${checks.length} checks failed`),
  ].join('\n')
}

export function rehearsalDocument({
  point,
  startedAt,
  took,
  network,
  engines,
  checks,
}: RehearsalReport): object {
  return {
    restores: checks.every(({ passed }) => passed),
    ...{
      point: point ?? null,
      startedAt: new Date(startedAt).toISOString(),
      tookMs: Math.round(took),
      network,
    },
    engines: engines.map(({ fileVersion, madeAt, restoredIn, expired, version, ...rest }) => ({
      ...rest,
      ...{ version: version || null, fileVersion: fileVersion ?? null, madeAt: madeAt ?? null },
      ...{ restoredInMs: Math.round(restoredIn), expired: expired ?? null },
    })),
    checks,
  }
}

const NETWORK: Readonly<Record<RehearsalReport['network'], string>> = {
  none: 'without a network',
  sockets: 'on no port',
}

function engineLines(engine: EngineReport, paint: Paint): string[] {
  const { file, bytes, sha256, version, fileVersion, restoredIn, tables, keys, expired } = engine
  const of = fileVersion === undefined ? '' : `, of ${fileVersion}`
  const made = engine.madeAt === undefined ? '' : `, made ${engine.madeAt}`
  const rows = tables.toSorted((a, b) => b.rows - a.rows || (a.table < b.table ? -1 : 1))
  return [
    `${neutralise(file)}  ${bytes} bytes${neutralise(of)}${neutralise(made)}: ${engine.engine} ${version || 'did not come up'}, ${seconds(restoredIn)}`,
    paint('dim', `  sha256 ${sha256}`),
    ...columns(rows.slice(0, SHOWN).map(tableRow)),
    ...(rows.length > SHOWN ? [`  and ${rows.length - SHOWN} more tables`] : []),
    ...columns(
      keys.map((each) => [`  ${each.database}`, `${each.keys} keys`, `${each.expires} of them expire`]),
    ),
    ...(expired === undefined || expired === 0 ? [] : [`  ${expired} keys had expired, and were left out`]),
  ]
}

function tableRow({ database, table, rows }: TableRows): string[] {
  return [`  ${neutralise(database)}`, neutralise(table), `${rows} rows`]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
