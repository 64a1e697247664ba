import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { EXAMPLE } from '#cli/render/analytics.ts'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { openDoor } from '#core/vendor/door.ts'
import { type BodyOf, encodeBody, VENDOR_KINDS, type VendorKind } from '#core/vendor/kinds.ts'
import { type Ledger, openLedger } from '#core/vendor/ledger.ts'
import type { VendorRelease } from '#core/vendor/release.ts'
import { readSwitch, turnSwitch } from '#core/vendor/switches.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { customerOf } from '#sandbox/vendor/customers.ts'
import { Vendor, type VendorMode } from '#sandbox/vendor/vendor.ts'
import { MemoryStore } from '../support/memory-store.ts'

const INSTALLATION = `ins-${'ab'.repeat(16)}`
const page = readFileSync(new URL('../../docs/vendor-api.md', import.meta.url), 'utf8')

/** The body that the page prints below the heading of a kind. */
function printed(kind: VendorKind): string {
  const body = new RegExp(`\\n## ${kind}\\n\\n\`\`\`json\\n(.*)\\n\`\`\``).exec(page)?.[1]
  assert.ok(body !== undefined, kind)
  return body
}

describe('the door to the vendor', { timeout: 60_000 }, () => {
  let vendor: Vendor
  let agents: OutboundAgents
  let folder: string
  let store: MemoryStore
  let ledger: Ledger

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-door-'))
    const authority = await createAuthority()
    const bundle = join(folder, 'authority.pem')
    await writeFile(bundle, authority.certificate)
    agents = createOutboundAgents({ AWS_CA_BUNDLE: bundle })
    vendor = await Vendor.start({
      clock: systemClock,
      customers: [customerOf(systemClock.now().wall)],
      tls: await authority.issue({ names: ['localhost', 'license.vendor.localhost'] }),
    })
  })
  after(async () => {
    agents?.close()
    await vendor?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    vendor.mode = 'up'
    vendor.received.length = 0
    store = new MemoryStore()
    ledger = openLedger({
      store,
      installation: INSTALLATION,
      clock: systemClock,
      random: (length) => new Uint8Array(length),
    })
  })

  const door = (changes: object = {}) =>
    openDoor({
      release: vendor.release() as VendorRelease,
      ledger,
      agents,
      clock: systemClock,
      chance: () => 0,
      isOff: async (kind: VendorKind) => !(await readSwitch(store, INSTALLATION, kind)).on,
      ...changes,
    })
  const body = JSON.parse(printed('license')) as BodyOf<'license'>
  const send = (changes: object = {}, signal?: AbortSignal) =>
    door(changes).send('license', body, { trigger: 'person', signal })

  async function rows(): Promise<Array<Record<string, unknown>>> {
    const { seq } = await ledger.head()
    const lines = await Promise.all(Array.from({ length: seq }, (_, at) => ledger.line(at + 1)))
    return lines.map((line) => JSON.parse(line as string) as Record<string, unknown>)
  }

  for (const kind of VENDOR_KINDS)
    it(`sends a ${kind} request, byte for byte as the page prints it`, async () => {
      await door().send(kind, JSON.parse(printed(kind)), { trigger: 'schedule' })
      const [received, more] = vendor.received
      assert.equal(more, undefined)
      assert.deepEqual([received?.method, received?.path], ['POST', `/v1/${kind}`])
      assert.equal(received?.body, printed(kind))
      const headers = Object.keys(received?.headers ?? {})
      assert.deepEqual(headers.sort(), [
        'accept',
        'connection',
        'content-length',
        'content-type',
        'host',
        'user-agent',
      ])
      for (const name of headers) assert.ok(page.includes(`\`${name}`), name)
    })

  it('shows by `analytics preview` the report that the page prints, and that the door would send', () => {
    assert.ok(page.includes(`\n${encodeBody('analytics', EXAMPLE)}\n`))
  })

  it('sends the same bytes in whatever order the fields are given', () => {
    for (const kind of VENDOR_KINDS) {
      const fields = Object.entries(JSON.parse(printed(kind)) as object).reverse()
      assert.equal(encodeBody(kind, Object.fromEntries(fields) as never), printed(kind))
    }
  })

  it('refuses a field more, and sends nothing', async () => {
    const more = { ...body, account: '111122223333' }
    await assert.rejects(door().send('license', more, { trigger: 'person' }), /account/)
    assert.deepEqual([vendor.received.length, await rows()], [0, []])
  })

  it('has each request in the ledger before it leaves, without what is random and with its outcome', async () => {
    await send()
    const [intent, outcome] = await rows()
    assert.deepEqual(
      [intent?.['event'], intent?.['kind'], intent?.['trigger']],
      ['intent', 'license', 'person'],
    )
    assert.deepEqual(intent?.['body'], { ...body, nonce: '[withheld]' })
    assert.equal(intent?.['mac'], await ledger.mac(printed('license')))
    assert.deepEqual([outcome?.['intent'], outcome?.['result'], outcome?.['status']], [1, 'answered', 200])
  })

  it('sends nothing when the ledger cannot be written to', async () => {
    store.write = async () => {
      throw new Error('the disk is full')
    }
    await assert.rejects(send(), /the disk is full/)
    assert.equal(vendor.received.length, 0)
  })

  it('sends nothing of a kind that is off, and the ledger can prove it', async () => {
    const sendReport = () =>
      door().send('analytics', JSON.parse(printed('analytics')), { trigger: 'schedule' })
    const turn = (on: boolean) =>
      turnSwitch({ store, ledger, installation: INSTALLATION }, 'analytics', on, 'person')
    await sendReport()
    assert.deepEqual(await turn(false), { state: { on: false, row: 3 }, changed: true })
    assert.equal((await turn(false)).changed, false)
    await assert.rejects(sendReport(), /switched off/)
    assert.equal(vendor.received.length, 1)
    assert.deepEqual((await ledger.review()).off, [{ kind: 'analytics', since: 3, sentSince: 0 }])
    await turn(true)
    await sendReport()
    assert.equal(vendor.received.length, 2)
  })

  it('takes a switch that cannot be read for off', async () => {
    await store.write(`egress/${INSTALLATION}/switches/analytics`, 'x')
    assert.equal((await readSwitch(store, INSTALLATION, 'analytics')).on, false)
  })

  const faults: ReadonlyArray<
    readonly [mode: VendorMode, code: string, requests: number, result: 'refused' | 'failed']
  > = [
    ['down', 'endpoint-unreachable', 4, 'refused'],
    ['throttling', 'throttled', 4, 'refused'],
    ['unknown', 'protocol-violation', 1, 'refused'],
    ['redirecting', 'protocol-violation', 1, 'refused'],
    ['endless', 'protocol-violation', 1, 'failed'],
  ]
  for (const [mode, code, requests, result] of faults)
    it(`tells ${code} of a vendor that is ${mode}, asked ${requests} times`, async () => {
      vendor.mode = mode
      await assert.rejects(send(), (error) => isPgctlError(error, code as 'failed'))
      assert.equal(vendor.received.length, requests)
      const outcomes = (await rows()).filter(({ event }) => event === 'outcome')
      assert.deepEqual(
        outcomes.map((each) => each['result']),
        Array.from({ length: requests }, () => result),
      )
      assert.deepEqual((await ledger.review()).faults, [])
    })

  it('waits for a silent vendor until its deadline, and for no longer', async () => {
    vendor.mode = 'silent'
    await assert.rejects(send({ deadline: 50 }), (error) => isPgctlError(error, 'timed-out'))
    const codes = (await rows()).filter(({ event }) => event === 'outcome').map(({ code }) => code)
    assert.deepEqual(codes, ['timed-out', 'timed-out', 'timed-out', 'timed-out'])
  })

  it('ends with the signal, and the ledger says that it had been sent', async () => {
    vendor.mode = 'silent'
    const control = new AbortController()
    const sending = send({}, control.signal)
    while (vendor.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    control.abort(new Error('enough'))
    await assert.rejects(sending, /enough/)
    assert.deepEqual(
      (await rows()).map(({ event }) => event),
      ['intent', 'outcome'],
    )
  })

  it('does not trust a certificate of another authority, and says what to do', async () => {
    const strangers = createOutboundAgents({})
    try {
      await assert.rejects(send({ agents: strangers }), (error) => {
        assert.ok(isPgctlError(error, 'endpoint-unreachable'))
        assert.match(error.next ?? '', /AWS_CA_BUNDLE/)
        return true
      })
    } finally {
      strangers.close()
    }
    assert.equal(vendor.received.length, 0)
  })

  it('goes through the proxy that is named, which sees a host and no body, and tells the vendor nothing of it', async () => {
    const asked: string[] = []
    const port = Number(new URL(vendor.url).port)
    const proxy = createServer((client) => {
      client.once('data', (head) => {
        asked.push(head.toString('latin1'))
        const far = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'))
        client.pipe(far).pipe(client)
        for (const socket of [client, far]) socket.on('error', () => socket.destroy())
      })
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const { port: at } = proxy.address() as AddressInfo
    const behind = createOutboundAgents({
      HTTPS_PROXY: `http://ann:a-password@127.0.0.1:${at}`,
      AWS_CA_BUNDLE: join(folder, 'authority.pem'),
    })
    try {
      const release = { ...(vendor.release() as VendorRelease), url: 'https://license.vendor.localhost' }
      await send({ agents: behind, release })
    } finally {
      behind.close()
      proxy.close()
    }
    assert.match(asked[0] ?? '', /^CONNECT license\.vendor\.localhost:443 HTTP/)
    assert.ok(!asked.join('').includes('lic-'))
    assert.ok(!JSON.stringify(vendor.received).includes('proxy'))
    const [intent] = await rows()
    assert.equal(intent?.['host'], 'license.vendor.localhost')
  })

  it('goes to no address but https', async () => {
    const release = { ...(vendor.release() as VendorRelease), url: 'http://localhost:9' }
    await assert.rejects(send({ release }), /no https address/)
    assert.deepEqual(await rows(), [])
  })
})
