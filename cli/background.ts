import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { PgctlError } from '#core/errors.ts'
import { askSupervisor, type ControlRequest } from '#core/tunnel/control/io/client.ts'
import { type ControlPlace, controlPlace, makePrivate } from '#core/tunnel/control/io/place.ts'
import { carry } from './carry.ts'
import type { Config } from './config.ts'
import type { Surroundings } from './deps.ts'
import { paths } from './paths.ts'

/** A supervisor that ends at the very moment it is asked is followed by another; not for ever. */
const ATTEMPTS = 3
const LINES_SHOWN = 5
/** What it holds is small and lives long: room for what is young would be for the peak of its start alone. */
const SMALL_HEAP = '--max-semi-space-size=2'

export type Whence = Pick<Surroundings, 'environment' | 'version'>

type Asked = Pick<ControlRequest, 'request' | 'sameVersion' | 'onEvent' | 'signal'>

/** Whether commands share tunnels. @throws PgctlError `usage` for a word that a variable says and that is neither. */
export function isShared({ settings: { background } }: Config): boolean {
  if (background.value === 'on' || background.value === 'off') return background.value === 'on'
  throw new PgctlError('usage', `"background" cannot be ${JSON.stringify(background.value)}`, {
    why: `${background.from} says so; it is on or off`,
    next: `set ${background.from} to on or off, or unset it`,
  })
}

/** Where the supervisor of this user is. */
export function supervisorPlace(environment: NodeJS.ProcessEnv): ControlPlace {
  return controlPlace(paths(environment).state)
}

/** Asks the supervisor of background tunnels; undefined where there is none. */
export async function askBackground<Result>(whence: Whence, asked: Asked): Promise<Result | undefined> {
  const place = supervisorPlace(whence.environment)
  const answer = await askSupervisor({ ...asked, place, version: whence.version })
  return answer?.result as Result | undefined
}

/** Asks it, and starts one where there is none. */
export async function askBackgroundStarting<Result>(whence: Whence, asked: Asked): Promise<Result> {
  const place = supervisorPlace(whence.environment)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const answer = await askSupervisor({ ...asked, place, version: whence.version })
    if (answer !== undefined) return answer.result as Result
    await startSupervisor(place, whence.environment, asked.signal)
  }
  throw neverThere(place, 'it ended again and again before it could be asked')
}

/** What goes with a request that opens something: where it was typed, and by whom. */
export function whenceOf({
  environment,
  flags,
  folder = process.cwd(),
}: Pick<Surroundings, 'environment' | 'flags' | 'folder'>) {
  const { installation, region, profile } = flags
  return { folder, environment: carry(environment, folder), flags: { installation, region, profile } }
}

/** Starts one in a process of its own, which goes on after this one; of two at once the first serves both. */
async function startSupervisor(
  place: ControlPlace,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<void> {
  makePrivate(place)
  const output = openSync(place.output, 'w', 0o600)
  try {
    const argv = [...process.execArgv, SMALL_HEAP, process.argv[1] as string, 'supervise']
    const child = spawn(process.execPath, argv, {
      detached: true,
      cwd: place.folder,
      env: ofItsOwn(environment),
      stdio: ['ignore', output, output, 'ipc'],
    })
    const { promise, resolve } = Promise.withResolvers<'ready' | 'ended' | 'interrupted'>()
    child.once('message', () => resolve('ready'))
    child.once('exit', () => resolve('ended'))
    child.once('error', () => resolve('ended'))
    signal?.addEventListener('abort', () => resolve('interrupted'), { once: true })
    const outcome = await promise
    if (child.connected) child.disconnect()
    child.unref()
    if (outcome === 'interrupted') throw signal?.reason
    if (outcome === 'ended' && child.exitCode !== 0) throw neverThere(place, lastWords(place))
  } finally {
    closeSync(output)
  }
}

/** Credentials are told with each request, to the thread that needs them: the process itself has none. */
function ofItsOwn(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const carried = carry(environment, process.cwd())
  return Object.fromEntries(Object.entries(carried).filter(([name]) => !name.startsWith('AWS_')))
}

function neverThere({ output }: ControlPlace, why: string): PgctlError {
  return new PgctlError('failed', 'the supervisor of background tunnels did not come up', {
    why,
    next: `read what it printed: less ${output}; or open the tunnel in a terminal, without --detach`,
  })
}

function lastWords({ output }: ControlPlace): string {
  const lines = readFileSync(output, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.slice(-LINES_SHOWN).join('; ') || 'it said nothing'
}
