import { resolve } from 'node:path'
import { carriedEnvironment, type Variables } from '#core/tunnel/control/carried.ts'

/** Variables that name a file. */
const FILES = /^(PGCTL_CONFIG|NODE_EXTRA_CA_CERTS|AWS_CA_BUNDLE|SSL_CERT_(FILE|DIR)|AWS_\w+_FILE)$/

/** What of an environment goes to the supervisor, which runs elsewhere: files by their whole names. */
export function carry(environment: NodeJS.ProcessEnv, folder: string): Variables {
  const carried = carriedEnvironment(environment)
  return Object.fromEntries(
    Object.entries(carried).map(([name, value]) => [
      name,
      FILES.test(name) && value !== '' ? resolve(folder, value) : value,
    ]),
  )
}
