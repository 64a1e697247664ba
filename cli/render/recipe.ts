import { rdsRegion } from '#core/datastores/rds-name.ts'
import { libpqWords, type Recipe } from '#core/datastores/recipe.ts'
import { neutralise } from '#core/text/neutralise.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** A recipe for a person in front of a client's window. */
export function renderRecipe(recipe: Recipe, paint: Paint): string {
  const { target, tunnel, address, port, host, hostPort, from, passwordCommand, password } = recipe
  const rows: Array<readonly [string, string | undefined]> = [
    ['leave running', tunnel],
    ['host, port', `${address}, ${port}`],
    ['database', recipe.database],
    ['user', recipe.user],
    ['password', password ?? (from === undefined ? 'none' : undefined)],
    ['password from', from === undefined || password !== undefined ? undefined : from],
    ['show it', password === undefined ? passwordCommand : undefined],
    ['certificate', recipe.tls ? `of ${host}${trust(recipe)}` : undefined],
    ...(recipe.engine === 'postgres' ? postgresRows(recipe) : redisRows(recipe)),
  ]
  const shown = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, neutralise(value)]]))
  const title = `${paint('bold', target)}  ${paint('dim', neutralise(`${host}:${hostPort}`))}`
  return [title, ...columns(shown).map((line) => `  ${line}`)].join('\n')
}

function trust({ authorities, host }: Recipe): string {
  if (authorities !== undefined) return `, signed by an authority in ${authorities}`
  const region = rdsRegion(host)
  return region === undefined
    ? ', signed by a public authority'
    : `, signed by an authority of RDS in ${region}, which pgctl does not carry: --ca FILE names it`
}

function postgresRows(recipe: Recipe): Array<readonly [string, string]> {
  return [
    ['libpq', libpqWords(recipe)],
    [
      'JDBC',
      'sslmode=verify-ca with sslrootcert: it takes no address beside the name, and so cannot check that',
    ],
    ['read-only', 'options=-c default_transaction_read_only=on'],
  ]
}

function redisRows({ tls, host, sharded }: Recipe): Array<readonly [string, string | undefined]> {
  return [
    ['TLS', tls ? `on, with the server name ${host}` : 'off'],
    [
      'cluster',
      sharded ? 'its nodes send a client on to where no tunnel leads: pgctl redis follows them' : undefined,
    ],
  ]
}

/** The same for a program. */
export function recipeDocument(recipe: Recipe): object {
  const { password, ...rest } = recipe
  return {
    ...rest,
    database: recipe.database ?? null,
    user: recipe.user ?? null,
    authorities: recipe.authorities ?? null,
    from: recipe.from ?? null,
    passwordCommand: recipe.passwordCommand ?? null,
    ...(password === undefined ? {} : { password }),
  }
}
