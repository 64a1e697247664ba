import { rightBeyondView } from '#core/kube/kubectl-words.ts'
import { askSupervisor } from '#core/tunnel/control/io/client.ts'
import { controlPlace } from '#core/tunnel/control/io/place.ts'
import { carry } from './carry.ts'
import { findProgram } from './find-program.ts'
import { paths } from './paths.ts'
import type { ClusterWay } from './supervisor/supervisor.ts'

/** Programs whose connections keep the tunnel open themselves, so that nobody need stay to hold it. */
const PROGRAMS = new Set(['kubectl', 'helm'])

const FLAGS: Readonly<Record<string, 'installation' | 'region' | 'profile'>> = {
  '-i': 'installation',
  '--installation': 'installation',
  '--region': 'region',
  '--profile': 'profile',
}
/** Only asks what is there. */
const IDLE_MS = 1

export interface QuickRun {
  readonly program: string
  readonly words: readonly string[]
  readonly flags: Readonly<Partial<Record<'installation' | 'region' | 'profile', string>>>
}

/**
 * A command line that needs nothing but the program and a way that is there already; undefined for every other, which
 * then goes the usual way. Pure.
 */
export function parseQuickRun(argv: readonly string[]): QuickRun | undefined {
  const [program = '', ...rest] = argv
  const dashes = rest.indexOf('--')
  if (!PROGRAMS.has(program) || dashes === -1 || dashes === rest.length - 1) return undefined
  const flags: Record<string, string> = {}
  for (let at = 0; at < dashes; at++) {
    const [, name = '', value] = /^(--\w+)=(.*)$/.exec(rest[at] ?? '') ?? [undefined, rest[at]]
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined
    const given = value ?? (at + 1 < dashes ? rest[++at] : undefined)
    if (flag === undefined || given === undefined || given === '' || flags[flag] !== undefined)
      return undefined
    flags[flag] = given
  }
  return { program, words: rest.slice(dashes + 1), flags }
}

/**
 * Becomes the program, where the supervisor has a way to the cluster for it: this process is replaced, so that nothing
 * of ours is in memory, and signals and the exit status are the program's own. With what only some may do it stays, to
 * say more of a refusal. It returns where the usual way is to be taken, whatever the reason: that one tells of it.
 */
export async function becomeProgram(argv: readonly string[], version: string): Promise<void> {
  const run = parseQuickRun(argv)
  const { env } = process
  if (run === undefined || process.execve === undefined || env['PGCTL_BACKGROUND'] === 'off') return
  if (env['PGCTL_DEBUG'] || env['PGCTL_DEBUG_FILE']) return
  let way: ClusterWay | undefined
  let path: string
  try {
    const folder = process.cwd()
    const request = { request: 'cluster', open: false, idleMs: IDLE_MS, folder, flags: run.flags }
    const answer = await askSupervisor({
      place: controlPlace(paths(env).state),
      version,
      request: { ...request, environment: carry(env, folder) },
      sameVersion: true,
    })
    way = answer?.result as ClusterWay | undefined
    path = findProgram(run.program, env)
  } catch {
    return
  }
  if (!way?.isThere) return
  const environment = environmentFor(way, env)
  if (run.program === 'kubectl' && rightBeyondView(run.words) !== undefined)
    await stayWith(path, run, environment)
  process.execve(path, [run.program, ...run.words], environment)
}

async function stayWith(
  path: string,
  { program, words }: QuickRun,
  environment: NodeJS.ProcessEnv,
): Promise<never> {
  const { listenForInterrupts } = await import('./interrupts.ts')
  const { runTellingRefusals } = await import('./kubectl-refusal.ts')
  const { signal, lendCtrlC } = listenForInterrupts((status) => process.exit(status))
  if (process.stdin.isTTY) lendCtrlC()
  const tell = (text: string) => void process.stderr.write(`${text}\n`)
  process.exit(await runTellingRefusals(path, program, { words, environment, signal }, tell))
}

/** What the program sees of its surroundings. */
export function environmentFor(
  { kubeconfig, installation }: Extract<ClusterWay, { isThere: true }>,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return { ...environment, KUBECONFIG: kubeconfig, PGCTL_INSTALLATION: installation }
}
