import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '#sandbox/agent/io/process-group.ts'

/** Where processes of sessions live: a home of their own, and an environment that holds nothing of this process's. */
export interface ChildHome extends AsyncDisposable {
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/** The name of a home says whose it is, so that those of killed processes can be told from those in use. */
const PREFIX = 'pgctl-bastion-'

/** Makes an empty home (0700), which goes when it is disposed of; homes that dead processes left behind go first. */
export async function createChildHome(bastionName: string): Promise<ChildHome> {
  await removeOrphans()
  const directory = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`))
  return {
    directory,
    environment: {
      HOME: directory,
      HOSTNAME: bastionName,
      LANG: 'C.UTF-8',
      LOGNAME: 'ssm-user',
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PS1: `[${bastionName} ~]$ `,
      SHELL: '/bin/sh',
      TERM: 'xterm-256color',
      USER: 'ssm-user',
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function removeOrphans(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : 0
    if (owner > 0 && !isAlive(owner)) {
      // One that may not be removed is another person's, and theirs to remove.
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined)
    }
  }
}
