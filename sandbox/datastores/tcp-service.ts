import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { RunningService } from '#sandbox/services/http-service.ts'

/** Takes TCP connections on a free port of the loopback until it is disposed of, which ends them. */
export async function startTcpService(serve: (socket: Socket) => void): Promise<RunningService> {
  const connections = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of connections) socket.destroy()
      await closed
    },
  }
}

/** The server's end of TLS on a connection from which nothing of the handshake has been read yet. */
export function secure(socket: Socket, secureContext: SecureContext): TLSSocket {
  const upgraded = new TLSSocket(socket, { isServer: true, secureContext })
  upgraded.on('error', () => socket.destroy())
  return upgraded
}
