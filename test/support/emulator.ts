import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from './free-port.ts'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/** An emulator of AWS that others have made, on the loopback, with nothing in it. */
export interface Emulator extends AsyncDisposable {
  readonly url: string
  readonly pid: number
}

const READY_WITHIN_MS = 60_000

export interface EmulatorOptions {
  /** Its own, in its environment. */
  readonly settings?: Readonly<Record<string, string>>
  /** When it is killed in any case. */
  readonly timeoutMs?: number
}

export async function startEmulator(
  name: 'moto' | 'ministack',
  { settings = {}, timeoutMs = 5 * 60_000 }: EmulatorOptions = {},
): Promise<Emulator> {
  await using parts = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), `pgctl-${name}-`))
  parts.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  const [port = 0] = await freePorts(1)
  const environment = {
    ...settings,
    HOME: home,
    // ministack runs functions on the first Node that it finds.
    PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
    ...(name === 'moto'
      ? {}
      : {
          GATEWAY_PORT: String(port),
          MINISTACK_HOST: '127.0.0.1',
          BIND_HOST: '127.0.0.1',
          // Its MQTT would listen on every address.
          IOT_MTLS_ENABLED: '0',
        }),
  }
  const words = name === 'moto' ? ['-H', '127.0.0.1', '-p', String(port)] : []
  const server = parts.use(new PeerProcess(programOf(name), words, { environment, cwd: home, timeoutMs }))
  const url = `http://127.0.0.1:${port}`
  const health = `${url}${name === 'moto' ? '/moto-api/' : '/_ministack/health'}`
  const giveUpAt = performance.now() + READY_WITHIN_MS
  for (;;) {
    const answered = await fetch(health, { signal: AbortSignal.timeout(2_000) }).then(
      async (response) => {
        await response.body?.cancel()
        return response.ok
      },
      () => false,
    )
    if (answered) break
    if (performance.now() > giveUpAt) throw new Error(`${name} is not ready:\n${server.stderr.slice(-2_000)}`)
    await delay(100)
  }
  const running = parts.move()
  return { url, pid: server.pid, [Symbol.asyncDispose]: () => running.disposeAsync() }
}
