import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { echo } from '../support/far-end.ts'
import { openBench, roundTrip } from '../support/listener-bench.ts'
import { closed, readAll } from '../support/streams.ts'

const TIMEOUT = { timeout: 15_000 }

/** Holds a port of one address for as long as it is not disposed. */
async function hold(host: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen({ host, port: 0, ipv6Only: true })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whether anything listens there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = createConnection({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

describe('the local port', TIMEOUT, () => {
  it('listens on both loopbacks, on one port', async () => {
    await using bench = await openBench(echo)
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
    assert.equal(bench.listener.address, '127.0.0.1')
    for (const host of ['127.0.0.1', '::1']) await roundTrip(await bench.client(host), `hello by ${host}`)
    assert.deepEqual(
      bench.events.filter(({ event }) => event === 'notice' || event === 'warning'),
      [],
    )
  })

  for (const family of ['127.0.0.1', '::1'])
    it(`gives a port up that is taken on ${family} alone, and takes the next on both`, async () => {
      await using taken = await hold(family)
      const candidates = [taken.port, taken.port + 1, taken.port + 2, taken.port + 3]
      await using bench = await openBench(echo, { plan: { kind: 'preferred', home: taken.port, candidates } })
      assert.notEqual(bench.listener.port, taken.port)
      assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
      const other = family === '::1' ? '127.0.0.1' : '::1'
      assert.equal(await listens(other, taken.port), false)
      const notice = await bench.event('notice')
      assert.equal(notice.about, 'port-moved')
      assert.match(notice.message, new RegExp(`${taken.port} is taken: listening on ${bench.listener.port}`))
    })

  for (const family of ['127.0.0.1', '::1'])
    it(`refuses an exact port that is taken on ${family}, and leaves the other address alone`, async () => {
      await using taken = await hold(family)
      await assert.rejects(
        openBench(echo, { plan: { kind: 'exact', candidates: [taken.port] } }),
        (error) => {
          assert.ok(isPgctlError(error, 'port-taken'))
          assert.ok(error.message.includes(`port ${taken.port} of ${family}`))
          assert.match(error.next ?? '', new RegExp(`lsof .*:${taken.port} .*--port 0`))
          return true
        },
      )
      assert.equal(await listens(family === '::1' ? '127.0.0.1' : '::1', taken.port), false)
    })

  it('says when no port of the plan is free', async () => {
    await using taken = await hold('127.0.0.1')
    const plan = { kind: 'preferred', home: taken.port, candidates: [taken.port, taken.port] } as const
    await assert.rejects(openBench(echo, { plan }), (error) => {
      return isPgctlError(error, 'port-taken') && /none of 2 ports/.test(error.message)
    })
  })

  it('goes on with one loopback where the computer lacks the other, and says so', async () => {
    // The discard-only prefix of RFC 6666 is nobody's address.
    await using bench = await openBench(echo, {}, ['127.0.0.1', '100::1'])
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1'])
    assert.equal((await bench.event('notice')).about, 'no-ipv6')
    await roundTrip(await bench.client(), 'hello')
  })

  it('listens on one loopback alone where that is asked for, without a warning', async () => {
    await using bench = await openBench(echo, { bind: '::1' })
    assert.deepEqual(bench.listener.addresses, ['::1'])
    await roundTrip(await bench.client('::1'), 'hello')
    assert.deepEqual(
      bench.events.filter(({ event }) => event === 'warning'),
      [],
    )
  })

  it('takes localhost for both loopbacks', async () => {
    await using bench = await openBench(echo, { bind: 'localhost' })
    assert.deepEqual(bench.listener.addresses, ['127.0.0.1', '::1'])
  })

  for (const bind of ['example.com', '127.1', '', '127.0.0.1:80'])
    it(`refuses to listen on ${JSON.stringify(bind)}, and looks nothing up`, async () => {
      await assert.rejects(openBench(echo, { bind }), (error) => {
        return isPgctlError(error, 'usage') && error.message.includes(JSON.stringify(bind))
      })
    })

  it("refuses an address that is not this computer's", async () => {
    await assert.rejects(openBench(echo, { bind: '100::1' }), (error) => {
      return isPgctlError(error, 'usage') && /100::1/.test(error.message)
    })
  })
})

describe('closing', TIMEOUT, () => {
  it('lets what is under way end, and takes nothing new', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    client.write('x')
    const socket = await bench.far.accept()
    const closing = bench.listener.close(10_000)
    assert.equal(await listens('127.0.0.1', bench.listener.port), false)
    assert.equal(await listens('::1', bench.listener.port), false)
    socket.end('the answer')
    assert.equal((await readAll(client)).toString(), 'the answer')
    client.end()
    await closing
    assert.equal((await bench.event('connection-closed')).cause, undefined)
  })

  it('cuts what does not end within its time', async () => {
    await using bench = await openBench()
    const client = await bench.client()
    await bench.event('connection-opened')
    await bench.listener.close(5)
    assert.equal((await bench.event('connection-closed')).cause?.code, 'interrupted')
    assert.equal(((await closed(client)) as NodeJS.ErrnoException).code, 'ECONNRESET')
  })

  it('leaves no timer behind', async () => {
    let pending = 0
    const clock: typeof systemClock = {
      ...systemClock,
      after: (_delay, _wake) => {
        pending++
        return () => void pending--
      },
    }
    await using bench = await openBench(echo, { clock })
    await bench.listener.close(60_000)
    assert.equal(pending, 0)
  })

  it('cuts everything at once by abort, with the cause, and may be asked again in every way', async () => {
    await using bench = await openBench(echo)
    const clients = await Promise.all([bench.client(), bench.client('::1'), bench.client()])
    for (const client of clients) await roundTrip(client, 'x')
    await bench.listener.abort(new PgctlError('session-ended', 'by the account'))
    for (const client of clients)
      assert.equal(((await closed(client)) as NodeJS.ErrnoException).code, 'ECONNRESET')
    const causes = bench.events.flatMap((event) =>
      event.event === 'connection-closed' ? [event.cause?.code] : [],
    )
    assert.deepEqual(causes, ['session-ended', 'session-ended', 'session-ended'])
    await bench.listener.abort(new PgctlError('failed', 'again'))
    await bench.listener.close(0)
    await bench.listener[Symbol.asyncDispose]()
  })
})
