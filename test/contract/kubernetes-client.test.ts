/** The sandbox's Kubernetes API, met by the client library of the Kubernetes project; and exec, message by message. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { CoreV1Api, Exec, type V1Status, Watch } from '@kubernetes/client-node'
import {
  Collected,
  configOf,
  dial,
  FIRST_HERMES,
  HERMES,
  PODS,
  startApi,
  type TestApi,
} from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const STATUS_CHANNEL = 3
const noProc = process.platform === 'linux' ? false : 'the state of a process is read from /proc'

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
