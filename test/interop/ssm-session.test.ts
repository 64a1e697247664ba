import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import { SSMClient, StartSessionCommand } from '@aws-sdk/client-ssm'
import { WebSocket } from 'ws'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { soon } from '../support/eventually.ts'

/**
 * npm's `ssm-session`, which web terminals use: it builds and reads messages over a WebSocket that others open. It is
 * off the vendor's form (no ClientId, a type padded on the left, half of the digest in hexadecimal) and works all
 * the same, so our gateway and agent must take it as theirs do.
 */

interface AgentMessage {
  readonly messageType: string
  readonly sequenceNumber: number
  readonly payloadType: number
  readonly payload: Uint8Array
}

interface SsmSession {
  init(
    socket: WebSocket,
    data: { token: string | undefined; termOptions: { rows: number; cols: number } },
  ): void
  sendText(socket: WebSocket, text: Uint8Array): void
  sendACK(socket: WebSocket, message: AgentMessage): void
  decode(data: ArrayBuffer): AgentMessage
}

const { ssm } = createRequire(import.meta.url)('ssm-session') as { ssm: SsmSession }
const TIMEOUT = { timeout: 60_000 }

describe('ssm-session against our gateway and agent', TIMEOUT, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox({ pace: 'none' })
  })
  after(() => sandbox?.[Symbol.asyncDispose]())

  async function openShell() {
    const client = new SSMClient({
      region: WORLD.region,
      endpoint: sandbox.plainEndpoint,
      credentials: sandbox.operator,
    })
    const started = await client.send(new StartSessionCommand({ Target: WORLD.bastion.instanceId }))
    client.destroy()
    const socket = new WebSocket(started.StreamUrl ?? '')
    socket.binaryType = 'arraybuffer'
    const closed = once(socket, 'close')
    await once(socket, 'open')
    const shell = { output: '', sequences: [] as number[], ended: false }
    socket.on('message', (data: ArrayBuffer) => {
      const message = ssm.decode(data)
      if (message.messageType.includes('channel_closed')) shell.ended = true
      if (!message.messageType.includes('output_stream_data')) return
      shell.sequences.push(message.sequenceNumber)
      shell.output += Buffer.from(message.payload).toString()
      ssm.sendACK(socket, message)
    })
    const type = (text: string) => ssm.sendText(socket, new TextEncoder().encode(text))
    const sees = async (pattern: RegExp) => {
      while (!pattern.test(shell.output)) await soon(once(socket, 'message'), String(pattern))
    }
    ssm.init(socket, { token: started.TokenValue, termOptions: { rows: 34, cols: 97 } })
    return {
      shell,
      type,
      sees,
      closed,
      async [Symbol.asyncDispose]() {
        socket.terminate()
        await closed
      },
    }
  }

  it('has a shell of the size that it asked for, and reads to its end', TIMEOUT, async () => {
    await using session = await openShell()
    await session.sees(/\$ $/)
    session.type('stty size\r')
    await session.sees(/^34 97\r$/m)
    session.type('exit\r')
    await soon(session.closed, 'the end of the session')
    assert.ok(session.shell.ended)
  })

  it('gets a long output once and in order', TIMEOUT, async () => {
    await using session = await openShell()
    await session.sees(/\$ $/)
    session.type('seq 1 20000; echo the "end"\r')
    await session.sees(/^the end\r$/m)
    const numbers = [...session.shell.output.matchAll(/^(\d+)\r$/gm)].map(([, number]) => Number(number))
    assert.deepEqual(
      numbers,
      Array.from({ length: 20_000 }, (_, i) => i + 1),
    )
    assert.equal(new Set(session.shell.sequences).size, session.shell.sequences.length, 'all acknowledged')
  })
})
