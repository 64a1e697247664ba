import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Choice, Config } from '../config.ts'
import type { Paint } from './error.ts'

/** One line an installation, a star at the one that commands act on; for a person. */
export function renderInstallations(config: Config, choice: Choice | PgctlError, paint: Paint): string {
  const rows = rowsOf(config, choice)
  const widthOf = (cell: (row: Row) => string) => Math.max(...rows.map((row) => cell(row).length))
  const name = widthOf((row) => row.name)
  const workspace = widthOf((row) => row.workspace)
  const place = widthOf(placeOf)
  return rows
    .map((row) =>
      [
        row.current
          ? `${paint('green', '*')} ${paint('bold', row.name.padEnd(name))}`
          : `  ${row.name.padEnd(name)}`,
        row.workspace.padEnd(workspace),
        placeOf(row).padEnd(place),
        `account ${row.account}`,
        paint('dim', neutralise(row.from)),
      ].join('  '),
    )
    .join('\n')
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function installationsDocument(config: Config, choice: Choice | PgctlError): object {
  const current = isPgctlError(choice) ? undefined : choice
  return {
    installations: rowsOf(config, choice),
    current: current?.name ?? null,
    currentFrom: current?.from ?? null,
  }
}

type Row = ReturnType<typeof rowsOf>[number]

function rowsOf({ installations }: Config, choice: Choice | PgctlError) {
  const current = isPgctlError(choice) ? undefined : choice.name
  return [...installations]
    .map(([name, { entry, from }]) => ({
      name,
      current: name === current,
      workspace: entry.workspace,
      cloud: entry.cloud,
      account: entry.account,
      region: entry.region,
      from,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

function placeOf({ cloud, region }: Row): string {
  return `${cloud} ${region}`
}
