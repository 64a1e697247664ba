import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

/** A proxy of a company on loopback: it knows names that nobody else does, and asks who one is. */
export interface ConnectProxy extends AsyncDisposable {
  readonly port: number
  /** What it was asked to connect to, `host:port`, in order; also what it refused. */
  readonly asked: readonly string[]
}

export interface ConnectProxyOptions {
  /** Who may use it: `user:password`; everybody unless told. */
  readonly credentials?: string
  /** Where port 443 of hosts of AWS leads, on loopback; it is refused unless told. */
  readonly aws?: number
}

/** Every name that ends with `.example` is this computer, and so is AWS if it is told; everything else is refused. */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { credentials } = options
  const asked: string[] = []
  const open = new Set<{ destroy(): unknown }>()
  const server = createServer((_request, response) => response.writeHead(405).end())
  server.on('connect', (request, client, head) => {
    const target = request.url ?? ''
    asked.push(target)
    client.on('error', () => client.destroy())
    open.add(client)
    const shown = request.headers['proxy-authorization']
    const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
    if (wanted !== undefined && shown !== wanted)
      return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n')
    const { hostname, port } = new URL(`https://${target}/`)
    const isAws = hostname.endsWith('.amazonaws.com') && options.aws !== undefined
    if (!hostname.endsWith('.example') && !isAws) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const far = connect(isAws ? Number(options.aws) : Number(port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      if (head.length > 0) far.write(head)
      far.pipe(client).pipe(far)
    })
    open.add(far)
    far.on('error', () => client.destroy())
    client.on('close', () => far.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
