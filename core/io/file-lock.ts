import { open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/** How long to wait for a lock whose holder lives: the work under it takes milliseconds. */
const PATIENCE: Ms = 10_000
/** The first and the longest wait between two looks. */
const FIRST_PAUSE: Ms = 5
const LONGEST_PAUSE: Ms = 50
/** A lock that does not say whose it is was left by a crash if it is older than this. */
const UNSIGNED_LOCK_AGE: Ms = 5_000

/**
 * Runs `action` while this process holds the lock file at `path`, whose folder exists.
 *
 * A lock left behind by a process that is gone is taken over. One whose holder lives is never broken, however old it
 * is: a computer that wakes up would otherwise let two writers in.
 * @throws PgctlError `state-conflict` that names the holder, after ten seconds.
 */
export async function withFileLock<T>(path: string, clock: Clock, action: () => Promise<T>): Promise<T> {
  await acquire(path, clock)
  try {
    return await action()
  } finally {
    await rm(path, { force: true })
  }
}

async function acquire(path: string, clock: Clock): Promise<void> {
  const deadline = clock.now().mono + PATIENCE
  for (let pause = FIRST_PAUSE; !(await create(path)); pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const held = await inspect(path, clock.now().wall)
    if (held === undefined) continue
    if (held.stale) await takeAway(path, held.signature, clock)
    else if (clock.now().mono >= deadline) throw stillHeld(path, held.signature)
    else await sleep(clock, pause)
  }
}

/** Creates the lock file; false where one exists. */
async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(`${process.pid} ${hostname()}\n`)
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** What the lock file says, and whether its holder is gone; undefined when the file is. */
async function inspect(path: string, wall: Ms): Promise<{ signature: string; stale: boolean } | undefined> {
  try {
    const signature = await readFile(path, 'utf8')
    const [, pid, host] = /^(\d+) (.+)\n$/.exec(signature) ?? []
    if (pid === undefined) return { signature, stale: wall - (await stat(path)).mtimeMs > UNSIGNED_LOCK_AGE }
    return { signature, stale: host === hostname() && !isAlive(Number(pid)) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Removes a stale lock. A second lock lets one process at a time do this, so that none removes, in the belief that
 * it is still the stale one, the lock that another has taken since.
 */
async function takeAway(path: string, signature: string, clock: Clock): Promise<void> {
  const guard = `${path}.broken`
  if (await create(guard)) {
    try {
      const held = await inspect(path, clock.now().wall)
      if (held?.stale && held.signature === signature) await rm(path, { force: true })
    } finally {
      await rm(guard, { force: true })
    }
    return
  }
  const breaker = await inspect(guard, clock.now().wall)
  if (breaker?.stale) await rm(guard, { force: true })
  else await sleep(clock, FIRST_PAUSE)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function stillHeld(path: string, signature: string): PgctlError {
  const holder = /^(\d+) (.+)\n$/.exec(signature)
  return new PgctlError('state-conflict', `another pgctl holds the lock ${path}`, {
    why: holder === null ? undefined : `it is process ${holder[1]} on ${holder[2]}`,
    next: `wait for it or end it, then run the command again; if there is no such process: rm ${path}`,
  })
}
