import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where processes of sessions live: a home of their own, and an environment that holds nothing of this process's. */
export interface ChildHome extends AsyncDisposable {
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/** Makes an empty home (0700), which goes when it is disposed of. */
export async function createChildHome(bastionName: string): Promise<ChildHome> {
  const directory = await mkdtemp(join(tmpdir(), 'pgctl-bastion-'))
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
