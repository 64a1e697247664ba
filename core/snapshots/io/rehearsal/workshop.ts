import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { findTool, findUnprivileged } from '#core/snapshots/io/rehearsal/programs.ts'

/** The longest path of a Unix socket, less room for its name. */
const LONGEST_FOLDER = 80

/**
 * A folder that nobody else may enter, the account that works in it, and what keeps its programs from the network.
 * Beside it a guard: a shell that waits for the end of its input, which comes when this process ends, however it
 * does. It then kills what runs in the folder and removes it, so that a copy of someone's data does not outlive us.
 */
export interface Workshop extends AsyncDisposable {
  readonly folder: string
  readonly network: 'none' | 'sockets'
  /** Makes a folder within that the programs may write in. */
  makeFolder(name: string): Promise<string>
  /** A file that only the programs may read. */
  write(path: string, content: string): Promise<void>
  /** Gives a file to the programs. */
  give(path: string): Promise<void>
  start(program: string, args: readonly string[]): ChildProcess
}

const GUARD = `
cat >/dev/null
for file in "$1"/*/data/postmaster.pid; do [ -r "$file" ] && kill -QUIT "$(head -n 1 "$file")"; done
for file in "$1"/*/redis.pid; do [ -r "$file" ] && kill -KILL "$(head -n 1 "$file")"; done
for turn in 1 2 3 4 5 6 7 8; do rm -rf -- "$1" && [ ! -e "$1" ] && exit; sleep 1; done
`

export async function openWorkshop(path: string): Promise<Workshop> {
  if (process.platform === 'win32')
    throw new PgctlError('not-supported', 'a rehearsal does not run on Windows', {
      why: 'its engines listen on Unix sockets, in a folder that nobody else may enter',
      next: 'run it on the bastion, or on a computer with Linux or macOS',
    })
  await using opened = new AsyncDisposableStack()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'pgctl-rehearsal-')))
  opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await chmod(folder, 0o700)
  if (folder.length > LONGEST_FOLDER)
    throw new PgctlError('not-supported', `the folder for temporary files has too long a name: ${tmpdir()}`, {
      why: `a Unix socket in ${folder} would have a longer path than the system takes`,
      next: 'run the command with TMPDIR=/tmp',
    })
  const account = process.getuid?.() === 0 ? await findUnprivileged() : undefined
  if (process.getuid?.() === 0 && account === undefined)
    throw new PgctlError('not-supported', 'a rehearsal does not run as root', {
      why: 'its engines refuse to, and there is neither an account postgres nor nobody',
      next: 'run the command as another user',
    })
  if (account !== undefined) await chown(folder, account.uid, account.gid)
  const guard = spawn('sh', ['-c', GUARD, 'pgctl-rehearsal', folder], {
    // A session of its own: the signals of a terminal are not for it.
    ...{ detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' },
    env: { PATH: path },
  })
  guard.on('error', () => {})
  guard.stdin?.on('error', () => {})
  guard.unref()
  // The folder goes first: then the guard finds nothing, and ends.
  opened.defer(async () => {
    if (guard.exitCode !== null || guard.pid === undefined) return
    guard.stdin?.end()
    guard.ref()
    await once(guard, 'exit')
  })
  const wrap = await isolation(path, account)
  const give = async (file: string) => {
    if (account !== undefined) await chown(file, account.uid, account.gid)
  }
  if (account !== undefined && !(await canWork(wrap, account, folder, path)))
    throw new PgctlError('not-supported', `nobody but root may enter ${tmpdir()}`, {
      why: 'the engines do not run as root, and their folder is in there',
      next: 'run the command with TMPDIR=/tmp',
    })
  const environment = { PATH: path, LC_ALL: 'C', TZ: 'UTC', HOME: folder, PGPASSFILE: join(folder, 'pass') }
  const own = opened.move()
  return {
    folder,
    network: wrap.isCut ? 'none' : 'sockets',
    give,
    async makeFolder(name) {
      const made = join(folder, name)
      await mkdir(made, { mode: 0o700 })
      await give(made)
      return made
    },
    async write(file, content) {
      await writeFile(file, content, { mode: 0o600 })
      await give(file)
    },
    start(program, args) {
      const [first = program, ...rest] = [...wrap.words, program, ...args]
      return spawn(first, rest, {
        ...{ cwd: folder, env: environment, stdio: ['pipe', 'pipe', 'pipe'] },
        // Ctrl-C is for us: we end them in order.
        detached: true,
        ...(account === undefined || wrap.isCut ? {} : account),
      })
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  }
}

interface Wrap {
  readonly words: readonly string[]
  /** Whether what runs behind the words has no network, and no way to one. */
  readonly isCut: boolean
}

/** Whether the account gets to its folder: those above it may be for root alone. */
async function canWork(
  { words, isCut }: Wrap,
  account: { uid: number; gid: number },
  folder: string,
  path: string,
): Promise<boolean> {
  const [program = '', ...args] = [...words, 'test', '-w', folder]
  const probe = spawn(program, args, {
    ...{ stdio: 'ignore', cwd: '/', env: { PATH: path } },
    ...(isCut ? {} : account),
  })
  const [status] = await once(probe, 'exit').catch(() => [1])
  return status === 0
}

/** A network of their own, with nothing in it, where the system gives us one; tried, not guessed. */
async function isolation(path: string, account: { uid: number; gid: number } | undefined): Promise<Wrap> {
  const [unshare, setpriv] = [await findTool('unshare', path), await findTool('setpriv', path)]
  const none: Wrap = { words: [], isCut: false }
  if (unshare === undefined) return none
  const words =
    account === undefined
      ? [unshare, '--user', '--map-current-user', '--net', '--']
      : setpriv === undefined
        ? undefined
        : [
            ...[unshare, '--net', '--', setpriv, `--reuid=${account.uid}`, `--regid=${account.gid}`],
            ...['--clear-groups', '--no-new-privs', '--'],
          ]
  if (words === undefined) return none
  const [program = '', ...args] = [...words, 'true']
  const probe = spawn(program, args, { stdio: 'ignore', env: { PATH: path } })
  const [status] = await once(probe, 'exit').catch(() => [1])
  return status === 0 ? { words, isCut: true } : none
}
