import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Prints, as one line of JSON, what a program needs that speaks to a cluster; then what the API answers to it. */
const PROBE = `#!${process.execPath}
const { readFileSync, statSync } = require('node:fs')
const { execFileSync } = require('node:child_process')
const { request } = require('node:https')
const file = process.env.KUBECONFIG
const config = JSON.parse(readFileSync(file, 'utf8'))
const { cluster } = config.clusters[0]
const { exec } = config.users[0].user
const credential = JSON.parse(execFileSync(exec.command, exec.args, { encoding: 'utf8' }))
const ca = Buffer.from(cluster['certificate-authority-data'], 'base64')
const url = new URL('/api/v1/namespaces/' + config.contexts[0].context.namespace + '/pods', cluster.server)
const options = { ca, servername: cluster['tls-server-name'], headers: { authorization: 'Bearer ' + credential.status.token } }
request(url, options, (answer) => {
  let text = ''
  answer.on('data', (bytes) => { text += bytes })
  answer.on('end', () => {
    const pods = JSON.parse(text).items.length
    const mode = statSync(file).mode & 0o777
    console.log(JSON.stringify({ argv: process.argv.slice(2), file, mode, server: cluster.server, status: answer.statusCode, pods, credential, installation: process.env.PGCTL_INSTALLATION }))
    process.exit(Number(process.env.PROBE_STATUS ?? 0))
  })
}).end()
`

/** A folder of programs for PATH, each of which is the probe. */
export async function installProbe(home: string, names: readonly string[]): Promise<string> {
  const bin = join(home, 'bin')
  await mkdir(bin)
  for (const name of names) {
    await writeFile(join(bin, name), PROBE)
    await chmod(join(bin, name), 0o755)
  }
  return bin
}
