/** `npm run logs-stub` as a process: what it prints, where it listens, and that it leaves nothing. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { textOf } from './kubernetes-support.ts'

const entry = fileURLToPath(new URL('../../bin/logs-stub.ts', import.meta.url))
const limits = { timeout: 30_000 }
const LOG = '/api/v1/namespaces/logs/pods/api-0/log?timestamps=true'

interface Ready {
  readonly server: string
  readonly kubeconfig: string
  readonly ca: string
  readonly token: string
}

function start(...argv: string[]): ChildProcess {
  return spawn(process.execPath, [entry, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
}

async function serve(...argv: string[]) {
  const child = start('--json', ...argv)
  const ended = once(child, 'close')
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [
    string,
  ]
  const ready = JSON.parse(line) as Ready
  return {
    ...ready,
    async get(path: string, token = ready.token): Promise<IncomingMessage> {
      const headers = { authorization: `Bearer ${token}` }
      const options = { ca: ready.ca, servername: 'localhost', agent: false as const, headers }
      const sent = request(new URL(path, ready.server), options).end()
      const [response] = await once(sent, 'response')
      // What breaks later shows in the response.
      sent.on('error', () => {})
      return response
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGINT')
      assert.deepEqual(await ended, [0, null])
      assert.ok(!existsSync(ready.kubeconfig), 'the folder is still there')
    },
  }
}

describe('npm run logs-stub', limits, () => {
  it('listens on 127.0.0.1, keeps its token to its user, and serves what it was told', limits, async () => {
    await using stub = await serve('--lines', '40', '--history', '100')
    assert.match(stub.server, /^https:\/\/127\.0\.0\.1:\d+$/)
    assert.equal(statSync(stub.kubeconfig).mode & 0o777, 0o600)
    assert.ok(readFileSync(stub.kubeconfig, 'utf8').includes(stub.token))
    assert.equal((await textOf(await stub.get(LOG))).trimEnd().split('\n').length, 10)
    const pods = JSON.parse(await textOf(await stub.get('/api/v1/namespaces/logs/pods')))
    assert.equal(pods.items.length, 4)
    assert.equal((await stub.get(LOG, 'another')).statusCode, 401)
    assert.equal((await stub.get(LOG.replace('api-0', 'api-9'))).statusCode, 404)
  })

  for (const fault of ['reset', 'fin'])
    it(`breaks a connection within a line, once (${fault})`, limits, async () => {
      const [pods, lines] = ['--pods', '--lines']
      await using stub = await serve(pods, '1', lines, '40', '--history', '100', '--fault', `${fault}@60`)
      const broken = await stub.get(LOG)
      let size = 0
      await assert.rejects(async () => {
        for await (const chunk of broken) size += chunk.length
      })
      const whole = await textOf(await stub.get(LOG))
      const promised = Math.floor(whole.length * 0.6)
      // A reset overtakes bytes that the client has not taken yet.
      assert.ok(fault === 'reset' ? size <= promised : size === promised, `${size} of ${promised} bytes`)
    })

  it('throttles, and says for how long', limits, async () => {
    await using stub = await serve('--pods', '1', '--fault', 'throttlex1')
    const follow = await stub.get(`${LOG}&follow=true`)
    assert.equal(follow.statusCode, 429)
    assert.equal(follow.headers['retry-after'], '1')
    assert.equal((await stub.get(LOG)).statusCode, 200)
  })

  it('ends although a watch was asked for and is still on its way', limits, async () => {
    let refused: Promise<void>
    {
      await using stub = await serve('--latency', '700')
      refused = assert.rejects(stub.get('/api/v1/namespaces/logs/pods?watch=true'))
      await setTimeout(200)
    }
    await refused
  })

  it('scores what somebody has printed', limits, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pgctl-score-'))
    const expected = join(folder, 'expected.jsonl')
    try {
      const few = ['--pods', '1', '--lines', '5', '--history', '100']
      await using stub = await serve(...few, '--expected', expected)
      const bodies = (await textOf(await stub.get(LOG.replace('?timestamps=true', '')))).split('\n')
      const scoring = start('score', expected)
      scoring.stdin?.end([bodies[0], bodies[2], bodies[2], bodies[3]?.slice(0, 9)].join('\n'))
      assert.match(await allOf(scoring.stdout), /lost +3\ndoubled +1\nfragments +1\n/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuses words that it does not know, and says what to do', limits, async () => {
    const child = start('--fault', 'explode')
    const ended = once(child, 'close')
    assert.match(await allOf(child.stderr), /no fault[\s\S]*--help/)
    assert.deepEqual(await ended, [2, null])
  })
})

async function allOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}
