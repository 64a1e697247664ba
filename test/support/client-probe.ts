import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a program in the place of psql or redis-cli has seen. */
export interface ClientSeen {
  readonly argv: string[]
  readonly env: Record<string, string>
  readonly files: { readonly password?: string; readonly authorities?: string }
}

/** Prints, as one line of JSON, its words, what its environment says of datastores, and the files that this names. */
const PROBE = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const argv = process.argv.slice(2)
if (argv[0] === '--version') {
  console.log('psql (PostgreSQL) ' + process.env.PROBE_VERSION)
  process.exit()
}
if (process.env.PROBE_FOLLOWS) {
  const { connect } = require('node:net')
  const ask = (host, port, left) => {
    const socket = connect(port, host, () => socket.write('SET foo 1\\r\\n'))
    socket.once('data', (bytes) => {
      const [line] = bytes.toString().split('\\r\\n')
      console.log(line)
      socket.destroy()
      const [, to, at] = /^-MOVED \\d+ (\\S+):(\\d+)$/.exec(line) || []
      if (to !== undefined && left > 0) ask(to, Number(at), left - 1)
    })
  }
  ask(argv[1], Number(argv[3]), 2)
  return
}
const read = (path) => path === undefined ? undefined : readFileSync(path, 'utf8')
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(PG(?!CTL)|REDISCLI)/.test(name)))
const files = { password: read(env.PGPASSFILE), authorities: read(env.PGSSLROOTCERT) }
console.log(JSON.stringify({ argv, env, files }))
if (process.env.PROBE_WAITS) {
  writeFileSync(process.env.PROBE_WAITS, '')
  setInterval(() => {}, 1_000)
} else process.exitCode = Number(process.env.PROBE_STATUS ?? 0)
`

/** Puts such programs into a folder below `home`, and answers that. */
export async function installClientProbes(home: string): Promise<string> {
  const bin = join(home, 'bin')
  await mkdir(bin)
  for (const name of ['psql', 'redis-cli']) await writeFile(join(bin, name), PROBE, { mode: 0o755 })
  return bin
}
