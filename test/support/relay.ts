/**
 * Leads connections on: `relay.ts 10.20.0.20:443=40123 ...`, each address and port with the port of the loopback behind
 * it. It prints a line when it listens.
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

for (const way of process.argv.slice(2)) {
  const [, host, port, behind] = /^(.+):(\d+)=(\d+)$/.exec(way) ?? []
  const server = createServer((near) => {
    const far = connect(Number(behind), '127.0.0.1')
    near.pipe(far).pipe(near)
    const end = () => {
      near.destroy()
      far.destroy()
    }
    for (const side of [near, far]) side.on('error', end)
  })
  await once(server.listen(Number(port), host), 'listening')
}
process.stdout.write('leads\n')
