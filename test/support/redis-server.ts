import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Authority } from '#sandbox/certificates.ts'
import { eventually } from './eventually.ts'
import { freePorts } from './free-port.ts'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/** A Redis of this computer, real but for its size. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number
  /** Runs a command on it, from nearby. */
  run(...words: string[]): Promise<string>
  stop(): Promise<void>
}

export interface RedisServerOptions {
  readonly password?: string
  /** Speaks TLS, with a certificate of these names. */
  readonly tls?: { readonly authority: Authority; readonly names: readonly string[] }
  /** A node of a cluster, which tells clients of itself by this host and the usual port. */
  readonly node?: { readonly host: string; readonly port: number }
}

export async function startRedisServer({ password, tls, node }: RedisServerOptions): Promise<RedisServer> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-redis-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const [plain = 0, secure = 0, bus = 0] = await freePorts(3)
  const settings = [
    ...['bind 127.0.0.1', `port ${plain}`, `dir ${folder}`, 'save ""', 'protected-mode no'],
    ...(password === undefined ? [] : [`requirepass ${password}`]),
  ]
  if (tls !== undefined) {
    const { certificate, key } = await tls.authority.issue({ names: tls.names })
    const files = { 'server.pem': certificate, 'server.key': key, 'ca.pem': tls.authority.certificate }
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), content, { mode: 0o600 })
    settings.push(
      ...[`tls-port ${secure}`, `tls-cert-file ${join(folder, 'server.pem')}`, 'tls-auth-clients no'],
      ...[`tls-key-file ${join(folder, 'server.key')}`, `tls-ca-cert-file ${join(folder, 'ca.pem')}`],
    )
  }
  if (node !== undefined)
    settings.push(
      ...['cluster-enabled yes', 'cluster-config-file nodes.conf', `cluster-port ${bus}`],
      ...[`cluster-announce-hostname ${node.host}`, 'cluster-preferred-endpoint-type hostname'],
      // The nodes find each other by what they announce: only the ports of clients are other than they are.
      ...['cluster-announce-ip 127.0.0.1', `cluster-announce-bus-port ${bus}`],
      `cluster-announce-port ${node.port}`,
    )
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'redis.conf')
  await writeFile(config, `${settings.join('\n')}\n`, { mode: 0o600 })
  const environment = { HOME: folder, PATH: '/usr/bin:/bin' }
  const server = parts.use(new PeerProcess(programOf('redis-server'), [config], { environment, cwd: folder }))
  const run = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)(programOf('redis-cli'), ['-p', String(plain), ...words], {
      env: { ...environment, ...(password === undefined ? {} : { REDISCLI_AUTH: password }) },
    })
    return stdout.trim()
  }
  await eventually(() =>
    run('PING').then(
      (answer) => answer === 'PONG',
      () => false,
    ),
  )
  const running = parts.move()
  return {
    port: tls === undefined ? plain : secure,
    run,
    async stop() {
      server.kill('SIGTERM')
      await server.outcome
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Nodes that share all slots among them, in order. */
export async function startRedisCluster(
  hosts: readonly string[],
  port: number,
  tls: RedisServerOptions['tls'],
): Promise<{ readonly nodes: readonly RedisServer[] } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack()
  const nodes: RedisServer[] = []
  for (const host of hosts)
    nodes.push(
      parts.use(await startRedisServer({ ...(tls === undefined ? {} : { tls }), node: { host, port } })),
    )
  const share = Math.ceil(SLOTS / nodes.length)
  const [first, ...others] = nodes
  for (const [i, node] of nodes.entries())
    await node.run(
      'CLUSTER',
      'ADDSLOTSRANGE',
      String(i * share),
      String(Math.min(SLOTS, (i + 1) * share) - 1),
    )
  for (const node of others) {
    // What a node tells of itself holds the ports by which it is really found.
    const info = await node.run('CLUSTER', 'NODES')
    const bus = /@(\d+)/.exec(info)?.[1] ?? ''
    const plain = await node.run('CONFIG', 'GET', 'port')
    await first?.run('CLUSTER', 'MEET', '127.0.0.1', plain.split('\n').at(-1) ?? '', bus)
  }
  for (const node of nodes)
    await eventually(async () => (await node.run('CLUSTER', 'INFO')).includes('cluster_state:ok'))
  const running = parts.move()
  return { nodes, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

const SLOTS = 16_384
