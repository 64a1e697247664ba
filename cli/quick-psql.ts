import { parseArgs } from 'node:util'
import { namedAuthorities, usualAuthorities } from '#core/datastores/io/authorities.ts'
import { LOGIN_SOURCES, type LoginSource } from '#core/datastores/login.ts'
import { isPgctlError } from '#core/errors.ts'
import { askBackground, whenceOf } from './background.ts'
import { exitStatusOf } from './exit-codes.ts'
import { findProgram } from './find-program.ts'
import { listenForInterrupts } from './interrupts.ts'
import { type PsqlRun, runPsqlBy } from './psql-run.ts'
import { datastoreTelling } from './render/datastore.ts'
import { painter, renderError } from './render/error.ts'
import { SharedWays } from './shared-datastore.ts'
import type { DatastoreAnswer } from './supervisor/datastores.ts'

const OPTIONS = {
  installation: { type: 'string', short: 'i' },
  region: { type: 'string' },
  profile: { type: 'string' },
  credentials: { type: 'string' },
  user: { type: 'string' },
  database: { type: 'string' },
  reader: { type: 'boolean' },
  write: { type: 'boolean' },
} as const
const PLACES = ['installation', 'region', 'profile'] as const
/** Only asks what is there. */
const IDLE_MS = 1

export interface QuickPsql {
  readonly flags: Readonly<Partial<Record<(typeof PLACES)[number], string>>>
  readonly run: Omit<PsqlRun, 'onRun'>
}

/**
 * A command line of psql that needs nothing but a way that is there already; undefined for every other, which then
 * goes the usual way. Pure.
 */
export function parseQuickPsql(argv: readonly string[]): QuickPsql | undefined {
  const [command, ...rest] = argv
  if (command !== 'psql') return undefined
  const dashes = rest.indexOf('--')
  const own = dashes === -1 ? rest : rest.slice(0, dashes)
  const parsed = parseStrictly(own)
  if (parsed === undefined || parsed.positionals.length > 1) return undefined
  const { values, positionals } = parsed
  const texts = [...Object.values(values), ...positionals]
  if (texts.some((text) => text === '' || (typeof text === 'string' && text.startsWith('='))))
    return undefined
  const { credentials, user, database, reader = false, write = false } = values
  if (credentials !== undefined && !isSource(credentials)) return undefined
  const flags = Object.fromEntries(PLACES.flatMap((name) => (values[name] ? [[name, values[name]]] : [])))
  const words = dashes === -1 ? [] : rest.slice(dashes + 1)
  const wishes = { engine: 'postgres', name: positionals[0], reader, credentials, user } as const
  return { flags, run: { ...wishes, reason: undefined, database, write, words } }
}

function parseStrictly(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true })
  } catch {
    return undefined
  }
}

function isSource(text: string): text is LoginSource {
  return LOGIN_SOURCES.some((source) => source === text)
}

/**
 * Runs psql where the supervisor has a way to its database, without the command framework, which takes longer to load
 * than all of this. Undefined where the usual way is to be taken, whatever the reason: that one tells of it.
 */
export async function runPsqlQuickly(argv: readonly string[], version: string): Promise<number | undefined> {
  const quick = parseQuickPsql(argv)
  const { env: environment } = process
  if (quick === undefined || environment['PGCTL_BACKGROUND'] === 'off' || environment['PGCTL_REASON'])
    return undefined
  if (environment['PGCTL_DEBUG'] || environment['PGCTL_DEBUG_FILE']) return undefined
  const whence = { environment, version }
  const place = await findPlace(quick, whence).catch(() => undefined)
  if (place === undefined) return undefined
  const paint = painter(process.stderr)
  const interrupts = listenForInterrupts((status) => process.exit(status))
  const onRun = (files: Disposable) => {
    interrupts.onSecond(() => files[Symbol.dispose]())
    const takeBack = process.stdin.isTTY ? interrupts.lendCtrlC() : undefined
    return { [Symbol.dispose]: () => takeBack?.() }
  }
  const tell = datastoreTelling((line) => process.stderr.write(`${line}\n`), paint)
  for (const notice of place.notices) tell.notice(notice)
  const ways = new SharedWays({ way: place.way, ask: neverAsked, surroundings: whence, tell })
  try {
    return await runPsqlBy({ ...place, ways }, { ...quick.run, onRun }, tell, interrupts.signal)
  } catch (error) {
    if (!isPgctlError(error)) throw error
    if (error.code !== 'interrupted') process.stderr.write(`${renderError(error, paint)}\n`)
    return exitStatusOf(error.code)
  } finally {
    interrupts.stop()
  }
}

async function findPlace(
  { flags, run }: QuickPsql,
  whence: { readonly environment: NodeJS.ProcessEnv; readonly version: string },
) {
  const { environment } = whence
  const path = findProgram('psql', environment)
  const { engine, name, reader, credentials, user } = run
  const asks = { engine, name, reader, credentials, user, idleMs: IDLE_MS, open: false }
  const request = { request: 'datastore', ...whenceOf({ environment, flags }), ...asks }
  const way = await askBackground<DatastoreAnswer>(whence, { request, sameVersion: true })
  if (!way?.isThere) return undefined
  const ca = environment['PGCTL_CA'] || way.ca
  const { host } = way.endpoint
  const authorities = ca === undefined ? await usualAuthorities(host, environment) : namedAuthorities(ca)
  return { path, environment, authorities, way, notices: way.notices }
}

/** A database has no nodes that it sends a client on to. */
function neverAsked(): never {
  throw new TypeError('psql asks for no other node')
}
