/**
 * Listens in another network, and leads to sockets of the file system, which are the same everywhere:
 * `node socket-relay.ts ADDRESS:PORT=SOCKET …`. It says `here` when all of them listen.
 */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

for (const word of process.argv.slice(2)) {
  const [, host, port, path = ''] = /^(.+):(\d+)=(.+)$/.exec(word) ?? []
  const server = createServer((near) => {
    const far = connect(path)
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  server.listen(Number(port), host)
  await once(server, 'listening')
}
process.stdout.write('here\n')
