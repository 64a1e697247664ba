/** Port-forward of the sandbox's Kubernetes API, and what it refuses before it opens anything. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { PortForward } from '@kubernetes/client-node'
import type { WebSocket } from 'ws'
import { startPayload } from '#sandbox/services/payload.ts'
import { startProduct } from '#sandbox/services/product.ts'
import {
  Collected,
  configOf,
  dial,
  FIRST_HERMES,
  PODS,
  refusalOf,
  startApi,
  type TestApi,
  TOKEN,
} from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const PAYLOAD = 'payload-84b5d7c9f7-zz5rk'

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
