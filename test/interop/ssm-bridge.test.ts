import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, it } from 'node:test'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { type Fetched, fetchOver } from '../support/http-over.ts'
import { PeerProcess, runPeer } from '../support/peer-process.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { sha256Of } from '../support/sha256.ts'

/** The Rust crate `aws-ssm-bridge`, another project's whole client, against our gateway and agent. */

const TIMEOUT = { timeout: 120_000 }
const SIZE = 16 * 1024 * 1024

describeWith(['ssm-bridge'], 'aws-ssm-bridge against our gateway and agent', { timeout: 300_000 }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox({ pace: 'none' })
  })
  after(() => sandbox?.[Symbol.asyncDispose]())

  const environment = () => ({
    AWS_ENDPOINT_URL: sandbox.plainEndpoint,
    AWS_REGION: WORLD.region,
    AWS_ACCESS_KEY_ID: sandbox.operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.operator.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    HOME: '/nonexistent',
    NO_PROXY: '127.0.0.1',
  })
  const activeSessions = () => sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)

  /** A port forward to `payload`, and a way to speak HTTP through it. */
  async function forward() {
    const words = ['port', WORLD.bastion.instanceId, WORLD.payloadHost, String(WORLD.payloadPort)]
    const peer = new PeerProcess(programOf('ssm-bridge'), words, { environment: environment() })
    const [, port] = await peer.says(/listening on 127\.0\.0\.1:(\d+)/)
    const ask = async (path: string, body?: Uint8Array): Promise<Fetched> => {
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      return fetchOver(socket, path, body === undefined ? {} : { body })
    }
    return { peer, ask, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() }
  }

  it('downloads 16 MiB whole', TIMEOUT, async () => {
    await using tunnel = await forward()
    const answer = await tunnel.ask(`/random/${SIZE}`)
    assert.equal(answer.bytes, SIZE)
    assert.equal(answer.sha256, answer.promised)
  })

  it('uploads 16 MiB whole', TIMEOUT, async () => {
    await using tunnel = await forward()
    const body = Buffer.alloc(SIZE, 'what another client sends up; ')
    const answer = await tunnel.ask('/sink', body)
    assert.deepEqual(JSON.parse(answer.text), { bytes: SIZE, sha256: sha256Of(body) })
  })

  it('carries three connections at once, none mixed with another', TIMEOUT, async () => {
    await using tunnel = await forward()
    const bodies = ['a', 'bb', 'ccc'].map((text) => Buffer.alloc(2_000_000, text))
    const answers = await Promise.all(bodies.map((body) => tunnel.ask('/sink', body)))
    assert.deepEqual(
      answers.map(({ text }) => JSON.parse(text).sha256),
      bodies.map(sha256Of),
    )
    const downloads = await Promise.all([1, 2, 3].map((seed) => tunnel.ask(`/random/2000000?seed=${seed}`)))
    for (const { sha256, promised, bytes } of downloads) {
      assert.equal(bytes, 2_000_000)
      assert.equal(sha256, promised)
    }
  })

  it('ends its session when it is told to stop', TIMEOUT, async () => {
    const before = activeSessions()
    await using tunnel = await forward()
    assert.equal(activeSessions().length, before.length + 1)
    tunnel.peer.kill('SIGTERM')
    assert.equal((await tunnel.peer.outcome).status, 0)
    assert.deepEqual(activeSessions(), before)
  })

  it('types into a shell and reads to its end', TIMEOUT, async () => {
    const before = activeSessions()
    const lines = ['echo "6 * 7 is $((6 * 7))"', 'stty size', 'exit']
    const words = ['shell', WORLD.bastion.instanceId, ...lines]
    const shell = await runPeer(programOf('ssm-bridge'), words, { environment: environment() })
    assert.match(shell.stdout, /6 \* 7 is 42\r?$/m)
    assert.match(shell.stdout, /43 132\r?$/m)
    assert.match(shell.stderr, /encrypted: false\nclosed: Some\(AgentClosed/)
    assert.deepEqual(activeSessions(), before)
  })

  it('types into a shell that is encrypted with a key of KMS', TIMEOUT, async () => {
    sandbox.cloud.state.turn({ kms: 'on' })
    const words = ['shell', WORLD.bastion.instanceId, 'echo "secret $((6 * 7))"', 'exit']
    const shell = await runPeer(programOf('ssm-bridge'), words, { environment: environment() })
    assert.match(shell.stdout, /secret 42\r?$/m)
    assert.match(shell.stderr, /encrypted: true/)
  })
})
