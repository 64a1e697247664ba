/** The sandbox's Kubernetes API, met by the client library of the Kubernetes project, and by plain WebSockets. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough, type Readable, Writable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { CoreV1Api, Exec, KubeConfig, PortForward, type V1Status, Watch } from '@kubernetes/client-node'
import { WebSocket } from 'ws'
import { startPayload } from '#sandbox/services/payload.ts'
import { startProduct } from '#sandbox/services/product.ts'
import { WORLD } from '#sandbox/world.ts'
import { FIRST_HERMES, HERMES, PODS, startApi, type TestApi, TOKEN } from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const PAYLOAD = 'payload-84b5d7c9f7-zz5rk'
const STATUS_CHANNEL = 3
const noProc = process.platform === 'linux' ? false : 'the state of a process is read from /proc'

function configOf(world: TestApi): KubeConfig {
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    {
      name: 'sandbox',
      server: `https://127.0.0.1:${world.api.port}`,
      caData: Buffer.from(world.trust.ca).toString('base64'),
      tlsServerName: WORLD.cluster.host,
      skipTLSVerify: false,
    },
    { name: 'operator', token: TOKEN },
  )
  return config
}

class Collected extends Writable {
  readonly chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.chunks.push(chunk)
    this.emit('collected')
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  async until(enough: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!enough(this.bytes)) await once(this, 'collected')
    return this.bytes
  }
}

/** A WebSocket of our own making, for what the library cannot be made to ask. */
function dial(
  world: TestApi,
  path: string,
  protocols: string | string[],
  headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${world.api.port}${path}`, protocols, {
    ca: world.trust.ca,
    // @ts-expect-error the option is tls.connect's, which the types of ws leave out
    servername: world.trust.servername,
    headers,
  })
}

async function refusalOf(socket: WebSocket): Promise<{ status: number; message: string }> {
  const [, response] = await once(socket, 'unexpected-response')
  let text = ''
  for await (const chunk of response) text += chunk
  const body = JSON.parse(text)
  return { status: response.statusCode, message: body.message ?? body.error }
}

describe('a client of the Kubernetes project', limits, () => {
  it('lists, reads and watches', limits, async () => {
    await using world = await startApi()
    const config = configOf(world)
    const core = config.makeApiClient(CoreV1Api)
    const labelSelector = 'app.kubernetes.io/name=hermes'
    const list = await core.listNamespacedPod({ namespace: 'paragon', labelSelector })
    assert.deepEqual(
      list.items.map((pod) => pod.metadata?.name),
      [...HERMES],
    )
    const pod = await core.readNamespacedPod({ namespace: 'paragon', name: HERMES[1] })
    const last = pod.status?.containerStatuses?.[0]?.lastState?.terminated
    assert.equal(last?.reason, 'OOMKilled')
    assert.ok(last?.finishedAt instanceof Date)
    const lines = await core.readNamespacedPodLog({ namespace: 'paragon', name: FIRST_HERMES, tailLines: 3 })
    assert.equal(lines.trimEnd().split('\n').length, 3)
    await assert.rejects(core.readNamespacedPod({ namespace: 'paragon', name: 'nobody' }), { code: 404 })

    const query = { labelSelector, resourceVersion: list.metadata?.resourceVersion }
    const seen: string[] = []
    const { promise: added, resolve } = Promise.withResolvers<void>()
    const { promise: done, resolve: finish } = Promise.withResolvers<unknown>()
    const watch = await new Watch(config).watch(
      PODS,
      query,
      (type, object) => {
        seen.push(`${type} ${object.metadata.name}`)
        resolve()
      },
      finish,
    )
    const created = world.api.faults.createPod({ service: 'hermes', waiting: 'ContainerCreating' })
    await added
    assert.deepEqual(seen, [`ADDED ${created}`])
    watch.abort()
    await done
  })

  async function run(world: TestApi, command: string[], stdin: Readable | null = null) {
    const stdout = new Collected()
    const stderr = new Collected()
    const { promise, resolve } = Promise.withResolvers<V1Status>()
    const exec = new Exec(configOf(world))
    const socket = await exec.exec(
      'paragon',
      FIRST_HERMES,
      'hermes',
      command,
      stdout,
      stderr,
      stdin,
      false,
      resolve,
    )
    const closed = once(socket, 'close')
    const status = await promise
    await closed
    return {
      status,
      stdout: stdout.bytes.toString(),
      stderr: stderr.bytes.toString(),
      protocol: socket.protocol,
    }
  }

  it('runs a command, with its outputs apart and its exit status', limits, async () => {
    await using world = await startApi()
    const { status, ...rest } = await run(world, ['sh', '-c', 'echo out; echo err >&2; exit 3'])
    assert.deepEqual(rest, { stdout: 'out\n', stderr: 'err\n', protocol: 'v5.channel.k8s.io' })
    assert.equal(status.status, 'Failure')
    assert.equal(status.reason, 'NonZeroExitCode')
    assert.deepEqual(status.details?.causes?.[0], { reason: 'ExitCode', message: '3' })
    assert.equal((await run(world, ['true'])).status.status, 'Success')
  })

  it('ends the input of a command', limits, async () => {
    await using world = await startApi()
    const input = new PassThrough()
    input.end('to and fro'.repeat(1000))
    const { stdout } = await run(world, ['cat'], input)
    assert.equal(stdout, 'to and fro'.repeat(1000))
  })

  it('brings much output whole', limits, async () => {
    await using world = await startApi()
    const { stdout } = await run(world, [
      'sh',
      '-c',
      'i=0; while [ $i -lt 200000 ]; do echo $i; i=$((i+1)); done',
    ])
    assert.equal(stdout, Array.from({ length: 200_000 }, (_, index) => `${index}\n`).join(''))
  })

  it('finds nothing of this computer in the environment', limits, async () => {
    await using world = await startApi()
    const { stdout } = await run(world, ['env'])
    const names = stdout.split('\n').map((line) => line.split('=')[0])
    assert.ok(names.includes('KUBERNETES_SERVICE_HOST'))
    for (const name of ['USER', 'NODE_OPTIONS', 'AWS_ACCESS_KEY_ID', 'NODE_TEST_CONTEXT'])
      assert.ok(!names.includes(name), name)
    assert.match(stdout, new RegExp(`^HOSTNAME=${FIRST_HERMES}$`, 'm'))
  })

  it('is told of a program that is not there', limits, async () => {
    await using world = await startApi()
    const { status } = await run(world, ['no-such-program'])
    assert.equal(status.code, 500)
    assert.match(
      status.message ?? '',
      /exec: "no-such-program": executable file not found in \$PATH: unknown$/,
    )
  })
})

describe('port-forward', limits, () => {
  let payload: Awaited<ReturnType<typeof startPayload>>
  let product: Awaited<ReturnType<typeof startProduct>>
  before(async () => {
    payload = await startPayload()
    product = await startProduct()
  })
  after(async () => {
    await payload[Symbol.asyncDispose]()
    await product[Symbol.asyncDispose]()
  })
  const start = () =>
    startApi({ ports: () => ({ kubernetes: 1, grafana: 1, payload: payload.port, product: product.port }) })

  async function forward(world: TestApi, pod: string, port: number, text: string) {
    const output = new Collected()
    const errors = new Collected()
    const input = new PassThrough()
    const socket = await new PortForward(configOf(world)).portForward(
      'paragon',
      pod,
      [port],
      output,
      errors,
      input,
    )
    const closed = once(socket as WebSocket, 'close')
    input.write(text)
    return { output, errors, closed, socket: socket as WebSocket }
  }

  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`

  it('reaches the service behind a pod', limits, async () => {
    await using world = await start()
    const { output, closed } = await forward(world, FIRST_HERMES, 1702, get('/healthz'))
    await closed
    assert.match(output.bytes.toString(), /^HTTP\/1.1 200 .*"status":"ok"/s)
  })

  it('carries megabytes, and ends when the far end does', limits, async () => {
    await using world = await start()
    const { output, errors, closed } = await forward(world, PAYLOAD, 8080, get('/random/8000000'))
    await closed
    const bytes = output.bytes
    const bodyAt = bytes.indexOf('\r\n\r\n') + 4
    const [, digest] = /x-sha256: (\w+)/.exec(bytes.subarray(0, bodyAt).toString()) ?? []
    assert.equal(bytes.length - bodyAt, 8_000_000)
    assert.equal(createHash('sha256').update(bytes.subarray(bodyAt)).digest('hex'), digest)
    assert.equal(errors.bytes.length, 0)
  })

  it('takes an upload', limits, async () => {
    await using world = await start()
    const body = 'u'.repeat(3_000_000)
    const head = `PUT /sink HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n`
    const { output, closed, socket } = await forward(world, PAYLOAD, 8080, head + body)
    const answer = await output.until((bytes) => bytes.includes('}'))
    assert.ok(
      answer.includes(`{"bytes":3000000,"sha256":"${createHash('sha256').update(body).digest('hex')}"}`),
    )
    socket.close()
    await closed
  })

  it('says on the error channel that nothing listens', limits, async () => {
    await using world = await start()
    const { output, errors, closed } = await forward(world, FIRST_HERMES, 9999, '')
    await closed
    assert.match(
      errors.bytes.toString(),
      /^error forwarding port 9999 to pod hermes-\S+, uid .* connection refused /,
    )
    assert.equal(output.bytes.length, 0)
  })

  it('takes several ports in one WebSocket', limits, async () => {
    await using world = await start()
    const socket = dial(world, `${PODS}/${PAYLOAD}/portforward?ports=8080&ports=81`, 'v4.channel.k8s.io')
    const channels = Array.from({ length: 4 }, () => [] as Buffer[])
    socket.on('message', (data) => channels[(data as Buffer)[0] ?? 0]?.push((data as Buffer).subarray(1)))
    await once(socket, 'open')
    socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(get('/text/64'))]))
    await once(socket, 'close')
    const [data = Buffer.alloc(0), error, closedData, closedError = Buffer.alloc(0)] = channels.map((parts) =>
      Buffer.concat(parts),
    )
    assert.equal(data.readUInt16LE(), 8080)
    assert.match(data.toString(), /00000000 A slow ferry/)
    assert.deepEqual(error, Buffer.from([0x90, 0x1f]))
    assert.deepEqual(closedData, Buffer.from([81, 0]))
    assert.match(closedError.subarray(2).toString(), /^error forwarding port 81 /)
  })

  it('lets go of the far end when the client goes', limits, async () => {
    await using world = await start()
    const { output, socket, closed } = await forward(world, PAYLOAD, 8080, get('/slow/100000/1000'))
    await output.until((bytes) => bytes.length > 300)
    socket.terminate()
    await closed
  })
})

describe('what is refused before anything is opened', limits, () => {
  const exec = `${PODS}/${FIRST_HERMES}/exec?command=true&stdout=true`
  const forward = `${PODS}/${FIRST_HERMES}/portforward?ports=1702`

  for (const [why, path, protocols, status, message] of [
    [
      'exec without a command',
      `${PODS}/${FIRST_HERMES}/exec?stdout=1`,
      'v5.channel.k8s.io',
      400,
      /at least one command/,
    ],
    [
      'exec without a stream',
      `${PODS}/${FIRST_HERMES}/exec?command=true`,
      'v5.channel.k8s.io',
      400,
      /at least 1 of stdin/,
    ],
    [
      'another container',
      `${exec}&container=x`,
      'v5.channel.k8s.io',
      400,
      /^container x is not valid for pod/,
    ],
    [
      'an unknown pod',
      `${PODS}/x/exec?command=true&stdout=1`,
      'v5.channel.k8s.io',
      404,
      /^pods "x" not found$/,
    ],
    [
      'a protocol that is older',
      forward,
      'v3.channel.k8s.io',
      400,
      /^requested protocol\(s\) are not supported: \[v3.channel.k8s.io\]; supports \[v4.channel.k8s.io\]$/,
    ],
    [
      'a port-forward without a port',
      forward.split('?')[0] ?? '',
      'v4.channel.k8s.io',
      400,
      /"port" is required/,
    ],
    [
      'a port that is none',
      `${PODS}/${FIRST_HERMES}/portforward?ports=x`,
      'v4.channel.k8s.io',
      400,
      /unable to parse "x"/,
    ],
    [
      'the port 0',
      `${PODS}/${FIRST_HERMES}/portforward?ports=0`,
      'v4.channel.k8s.io',
      400,
      /port 0 must be > 0/,
    ],
  ] as const)
    it(`refuses ${why}`, limits, async () => {
      await using world = await startApi()
      const refusal = await refusalOf(dial(world, path, protocols))
      assert.equal(refusal.status, status)
      assert.match(refusal.message, message)
    })

  it('refuses SPDY and requests that are no upgrade', limits, async () => {
    await using world = await startApi()
    const spdy = {
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'portforward.k8s.io',
    }
    for (const headers of [spdy, {}]) {
      const { status, text } = await world.get(forward, headers, 'POST')
      assert.equal(status, 400)
      assert.equal(JSON.parse(text).message, 'Upgrade request required')
    }
  })

  it('refuses a pod that does not run', limits, async () => {
    await using world = await startApi()
    const pod = world.api.faults.createPod({ service: 'hermes', waiting: 'ContainerCreating' })
    const forwarded = await refusalOf(dial(world, `${PODS}/${pod}/portforward?ports=1`, 'v4.channel.k8s.io'))
    assert.match(forwarded.message, /pod is not running. Current status=Pending$/)
    const executed = await refusalOf(
      dial(world, `${PODS}/${pod}/exec?command=a&stdout=1`, 'v4.channel.k8s.io'),
    )
    assert.equal(executed.message, 'container not found ("hermes")')
  })

  it('wants the right to create, though a WebSocket begins with a GET', limits, async () => {
    await using world = await startApi({ authorize: (_user, { verb }) => verb !== 'create' })
    assert.deepEqual(await refusalOf(dial(world, forward, 'v4.channel.k8s.io')), {
      status: 403,
      message:
        `pods "${FIRST_HERMES}" is forbidden: User "operator" cannot create resource "pods/portforward" in API ` +
        'group "" in the namespace "paragon"',
    })
  })

  it('takes a token from the protocols, and refuses strangers and foreign pages', limits, async () => {
    await using world = await startApi()
    const bearer = `base64url.bearer.authorization.k8s.io.${Buffer.from(TOKEN).toString('base64url')}`
    const socket = dial(world, exec, [bearer, 'v5.channel.k8s.io'], {})
    const closed = once(socket, 'close')
    await once(socket, 'open')
    assert.equal(socket.protocol, 'v5.channel.k8s.io')
    await closed
    assert.equal((await refusalOf(dial(world, exec, 'v5.channel.k8s.io', {}))).status, 401)
    const page = { authorization: `Bearer ${TOKEN}`, origin: 'https://evil.example' }
    assert.equal((await refusalOf(dial(world, exec, 'v5.channel.k8s.io', page))).status, 403)
  })
})

describe('exec on the wire', limits, () => {
  it('says first that it has begun, and last how it ended', limits, async () => {
    await using world = await startApi()
    const path = `${PODS}/${FIRST_HERMES}/exec?command=echo&command=hi&stdout=true&stderr=true`
    const socket = dial(world, path, ['v4.channel.k8s.io'])
    const messages: Buffer[] = []
    socket.on('message', (data) => messages.push(data as Buffer))
    const [code] = await once(socket, 'close')
    assert.deepEqual(messages[0], Buffer.from([1]))
    assert.deepEqual(messages[1], Buffer.from('\u0001hi\n'))
    assert.equal(messages.at(-1)?.[0], STATUS_CHANNEL)
    assert.deepEqual(JSON.parse(messages.at(-1)?.subarray(1).toString() ?? ''), {
      metadata: {},
      status: 'Success',
    })
    assert.equal(code, 1000)
  })

  it('kills the command and its children when the client goes', { ...limits, skip: noProc }, async () => {
    await using world = await startApi()
    const script = encodeURIComponent('sleep 600 & echo $!; wait')
    const path = `${PODS}/${FIRST_HERMES}/exec?command=sh&command=-c&command=${script}&stdout=true`
    const socket = dial(world, path, 'v5.channel.k8s.io')
    await once(socket, 'message')
    const [line] = await once(socket, 'message')
    const child = Number((line as Buffer).subarray(1).toString())
    assert.ok(isAlive(child))
    socket.terminate()
    while (isAlive(child)) await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

/** Whether a process still does anything: one that only waits to be reaped does not. */
function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${id}/stat`, 'latin1'))
  } catch {
    return false
  }
}
