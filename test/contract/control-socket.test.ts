import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { askSupervisor } from '#core/tunnel/control/io/client.ts'
import { type ControlPlace, controlPlace, makePrivate } from '#core/tunnel/control/io/place.ts'
import { type ControlCall, serveControl } from '#core/tunnel/control/io/server.ts'
import { encodeLine } from '#core/tunnel/control/lines.ts'

const TIMEOUT = { timeout: 15_000 }
/** Another user of the computer: nobody of ours. */
const STRANGER = 65_534
const ROOT_ONLY =
  process.getuid?.() === 0 ? false : 'only root can start a process of another user: run the tests as root'

/** Who connects, says the words, and prints what comes back, or the error. */
const CALLER = `
const socket = require('node:net').createConnection(process.argv[1])
socket.on('connect', () => socket.write(process.argv[2]))
socket.on('data', (bytes) => process.stdout.write(bytes))
socket.on('error', (error) => process.stdout.write(error.code))
`

describe('the control socket', { timeout: 60_000 }, () => {
  let state: string
  let place: ControlPlace
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'pgctl-control-'))
    place = controlPlace(state)
  })
  afterEach(() => rmSync(state, { recursive: true, force: true }))

  const calls: ControlCall[] = []
  const serve = (
    answer: (call: ControlCall) => Promise<object> = async () => ({ ok: true }),
    version = '0.1.0',
  ) =>
    serveControl({
      ...{ place, version, clock: systemClock },
      prepare: () => {},
      answer: (call) => {
        calls.push(call)
        return answer(call)
      },
    })
  const ask = (change: Partial<Parameters<typeof askSupervisor>[0]> = {}) =>
    askSupervisor({ place, version: '0.1.0', request: { request: 'list' }, sameVersion: true, ...change })

  it('takes a request of a client that has read the token, and answers it', TIMEOUT, async () => {
    await using _server = await serve(async ({ request, event }) => {
      event({ step: 1 })
      return { request }
    })
    const events: unknown[] = []
    assert.deepEqual(await ask({ onEvent: (event) => events.push(event) }), {
      result: { request: { request: 'list' } },
    })
    assert.deepEqual(events, [{ step: 1 }])
  })

  it('tells a failure as it would be told here', TIMEOUT, async () => {
    const refused = new PgctlError('bastion-stopped', 'it is stopped', {
      why: 'night',
      next: 'start it',
      requestId: 'r',
    })
    await using _server = await serve(() => Promise.reject(refused))
    await assert.rejects(ask(), (error) => {
      assert.ok(isPgctlError(error, 'bastion-stopped'))
      assert.deepEqual(
        [error.message, error.why, error.next, error.requestId],
        ['it is stopped', 'night', 'start it', 'r'],
      )
      return true
    })
  })

  it('notices that the one who asked has gone away', TIMEOUT, async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await using _server = await serve(async ({ signal }) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
      return {}
    })
    const impatient = new AbortController()
    const asking = ask({ signal: impatient.signal })
    setTimeout(() => impatient.abort(new Error('enough')), 50)
    await assert.rejects(asking, /enough/)
    await promise
  })

  it('is for its owner alone, as is all that lies beside it', TIMEOUT, async () => {
    await using _server = await serve()
    const modes = [place.folder, place.socket, place.token].map((path) => statSync(path).mode & 0o777)
    assert.deepEqual(modes, [0o700, 0o600, 0o600])
  })

  it('where nobody listens there is no supervisor', TIMEOUT, async () => {
    assert.equal(await ask(), undefined)
    makePrivate(place)
    // What a killed one leaves: a socket to which nobody answers.
    const dead = createServer().listen(`${place.socket}.new`)
    await once(dead, 'listening')
    const { renameSync } = await import('node:fs')
    renameSync(`${place.socket}.new`, place.socket)
    chmodSync(place.socket, 0o600)
    writeFileSync(place.token, 'token', { mode: 0o600 })
    dead.close()
    assert.equal(await ask(), undefined)
    await using _server = await serve()
    assert.deepEqual(await ask(), { result: { ok: true } })
  })

  it('of two that start at once one listens, and the other says so', TIMEOUT, async () => {
    const starts = await Promise.allSettled([serve(), serve(), serve()])
    const [server, ...others] = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    assert.ok(server !== undefined && others.length === 0)
    for (const start of starts)
      if (start.status === 'rejected') assert.ok(isPgctlError(start.reason, 'state-conflict'))
    assert.deepEqual(await ask(), { result: { ok: true } })
    await server[Symbol.asyncDispose]()
  })

  it('says nothing to a client that does not prove to be ours', TIMEOUT, async () => {
    await using _server = await serve()
    const before = calls.length
    const socket = createConnection(place.socket)
    socket.write(encodeLine({ pgctl: 1, version: '0.1.0', nonce: 'n' }) + encodeLine({ proof: 'guessed' }))
    socket.write(encodeLine({ request: 'list' }))
    const said: Buffer[] = []
    socket.on('data', (bytes) => said.push(bytes))
    await once(socket, 'close')
    assert.deepEqual(Object.keys(JSON.parse(Buffer.concat(said).toString())), [
      ...['pgctl', 'version', 'pid', 'nonce', 'proof'],
    ])
    assert.equal(calls.length, before)
  })

  it('is told nothing where whoever listens has not read the token', TIMEOUT, async () => {
    makePrivate(place)
    const heard: Buffer[] = []
    const before = process.umask(0o177)
    const impostor = createServer((socket) => {
      socket.on('data', (bytes) => {
        heard.push(bytes)
        socket.write(encodeLine({ pgctl: 1, version: '0.1.0', pid: 1, nonce: 'n', proof: 'guessed' }))
      })
      socket.on('error', () => {})
    }).listen(place.socket)
    process.umask(before)
    await once(impostor, 'listening')
    writeFileSync(place.token, 'token', { mode: 0o600 })
    const secret = { request: { request: 'open', environment: { AWS_SECRET_ACCESS_KEY: 'secret' } } }
    try {
      await assert.rejects(ask(secret), (error) => isPgctlError(error, 'permission-denied'))
      assert.deepEqual(Object.keys(JSON.parse(Buffer.concat(heard).toString())), [
        'pgctl',
        'version',
        'nonce',
      ])
    } finally {
      impostor.close()
    }
  })

  it('opens nothing for another version, and still lists and stops', TIMEOUT, async () => {
    await using _server = await serve(undefined, '0.2.0')
    await assert.rejects(ask(), (error) => {
      assert.ok(isPgctlError(error, 'not-supported'))
      assert.match(error.message, /held by pgctl 0\.2\.0 \(process \d+\), and this is pgctl 0\.1\.0$/)
      assert.match(error.next ?? '', /pgctl tunnel stop --all$/)
      return true
    })
    assert.deepEqual(await ask({ sameVersion: false }), { result: { ok: true } })
  })

  describe('another user of this computer', { skip: ROOT_ONLY }, () => {
    /** What that user's process gets to hear. */
    async function call(words: string): Promise<string> {
      const child = spawn(process.execPath, ['-e', CALLER, place.socket, words], {
        ...{ uid: STRANGER, gid: STRANGER, cwd: '/', env: {} },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let said = ''
      child.stdout.on('data', (bytes) => {
        said += bytes
      })
      await once(child, 'close')
      return said
    }
    const HELLO = encodeLine({ pgctl: 1, version: '0.1.0', nonce: 'n' })

    it('does not come through to it', TIMEOUT, async () => {
      await using _server = await serve()
      // The folder above is open to all: only its own mode keeps it shut.
      chmodSync(state, 0o755)
      assert.equal(await call(HELLO), 'EACCES')
    })

    it(
      'gets nothing from it, even where someone has loosened every mode but that of the token',
      TIMEOUT,
      async () => {
        await using _server = await serve()
        const before = calls.length
        for (const path of [state, place.folder]) chmodSync(path, 0o755)
        chmodSync(place.socket, 0o777)
        const said = await call(HELLO + encodeLine({ proof: 'guessed' }) + encodeLine({ request: 'list' }))
        assert.deepEqual(Object.keys(JSON.parse(said)), ['pgctl', 'version', 'pid', 'nonce', 'proof'])
        assert.equal(calls.length, before)
      },
    )

    for (const [what, loosen, why] of [
      [
        'a folder that others enter',
        () => chmodSync(place.folder, 0o750),
        /its mode is 0750: others may use it/,
      ],
      ['a socket that others use', () => chmodSync(place.socket, 0o666), /its mode is 0666/],
      ['a token that others read', () => chmodSync(place.token, 0o604), /its mode is 0604/],
      [
        'a socket of somebody else',
        () => chownSync(place.socket, STRANGER, STRANGER),
        /it belongs to user 65534/,
      ],
      [
        'a folder of somebody else',
        () => chownSync(place.folder, STRANGER, STRANGER),
        /it belongs to user 65534/,
      ],
    ] as const)
      it(`is not served by ${what}: nothing is asked there`, TIMEOUT, async () => {
        await using _server = await serve()
        loosen()
        await assert.rejects(ask(), (error) => {
          assert.ok(isPgctlError(error, 'permission-denied'))
          assert.match(error.why ?? '', why)
          return true
        })
        chownSync(place.folder, 0, 0)
      })

    it('cannot have one started in a folder of theirs', TIMEOUT, async () => {
      makePrivate(place)
      chownSync(place.folder, STRANGER, STRANGER)
      await assert.rejects(serve(), (error) => isPgctlError(error, 'permission-denied'))
    })
  })

  it('says which folder is too deep for a socket', () => {
    assert.throws(
      () => controlPlace(`/tmp/${'x'.repeat(100)}`),
      (error) => isPgctlError(error, 'not-supported') && /XDG_STATE_HOME/.test(error.next ?? ''),
    )
  })
})
