import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { type RunningService, startHttpService } from '#sandbox/services/http-service.ts'
import { type Customer, documentFields } from './customers.ts'
import { makeVendorKey, seal, type VendorKey } from './keys.ts'

/**
 * A vendor's cloud, by `docs/vendor-api.md`: licenses verified, billing told, analytics taken. It can also be out of
 * order in every way that a client has to bear.
 */

/** How it answers: as it should, or as a service does that is ill, gone, or somebody else's. */
export const VENDOR_MODES = [
  'up',
  'down',
  'throttling',
  'unknown',
  'garbage',
  'redirecting',
  'silent',
  'endless',
  'forged',
  'replaying',
  'other-time',
] as const
export type VendorMode = (typeof VENDOR_MODES)[number]

/** One request as it came. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface VendorOptions {
  readonly clock: Clock
  readonly customers: readonly Customer[]
  /** PEM, for TLS. */
  readonly tls: { readonly certificate: string; readonly key: string }
  readonly port?: number
}

export class Vendor implements AsyncDisposable {
  readonly root = makeVendorKey('root-1')
  readonly key = makeVendorKey('key-1')
  readonly received: Received[] = []
  mode: VendorMode = 'up'
  readonly #stranger = makeVendorKey('key-1')
  readonly #clock: Clock
  readonly #customers: Map<string, Customer>
  readonly #ended = new AbortController()
  #service: RunningService | undefined
  #lastAnswer = ''

  private constructor({ clock, customers }: VendorOptions) {
    this.#clock = clock
    this.#customers = new Map(customers.map((customer) => [customer.license, customer]))
  }

  static async start(options: VendorOptions): Promise<Vendor> {
    const vendor = new Vendor(options)
    vendor.#service = await startHttpService({
      port: options.port,
      tls: options.tls,
      handle: (request, response) => vendor.#serve(request, response),
    })
    return vendor
  }

  get url(): string {
    return `https://localhost:${this.#service?.port}`
  }

  /** What a release of this vendor carries. */
  release(): object {
    return {
      product: 'paragon',
      url: this.url,
      roots: [{ kid: this.root.kid, key: this.root.publicKey }],
      keys: [{ kid: this.key.kid, key: this.key.publicKey, notBefore: '2024-01-01', notAfter: '2099-01-01' }],
    }
  }

  customer(license: string): Customer {
    const customer = this.#customers.get(license)
    if (customer === undefined) throw new Error(`the vendor has no customer with ${license}`)
    return customer
  }

  /** Changes what it knows of a license. */
  change(license: string, changes: Partial<Customer>): void {
    this.#customers.set(license, { ...this.customer(license), ...changes })
  }

  /** A document of a license, with other fields where a test wants them. */
  document(license: string, fields: object = {}, key: VendorKey = this.key): string {
    return seal('document', key, { ...documentFields(this.customer(license), this.#now()), ...fields })
  }

  revocation(license: string): string | undefined {
    const { revocation } = this.customer(license)
    if (revocation === undefined) return undefined
    const seconds = (moment: Ms) => Math.floor(moment / 1_000)
    return seal('revocation', this.key, {
      lic: license,
      iss_at: seconds(this.#now()),
      effective: seconds(revocation.effective),
      reason: revocation.reason,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort(new Error('the vendor has ended'))
    await this.#service?.[Symbol.asyncDispose]()
  }

  #now(): Ms {
    return this.#clock.now().wall
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const { method = '', url: path = '', headers } = request
    this.received.push({ method, path, headers, body })
    const answer = (status: number, text: string, extra: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...extra })
      response.end(text)
    }
    switch (this.mode) {
      case 'down':
        return answer(503, 'under maintenance')
      case 'throttling':
        return answer(429, 'too many requests', { 'retry-after': '1' })
      case 'unknown':
        return answer(404, '{"status":"revoked"}')
      case 'garbage':
        return answer(200, '<html><body>Please sign in to this network</body></html>')
      case 'redirecting':
        return answer(302, '', { location: `${this.url}/elsewhere` })
      case 'silent':
        return sleep(this.#clock, 600_000, this.#ended.signal)
      case 'endless':
        return this.#writeForEver(response)
      default:
        return answer(...this.#answer(path, body))
    }
  }

  #answer(path: string, body: string): readonly [status: number, text: string] {
    if (path === '/v1/analytics') return [204, '']
    if (path !== '/v1/license' && path !== '/v1/billing') return [404, 'no such path']
    const asked = JSON.parse(body) as { license: string; nonce: string }
    const customer = this.#customers.get(asked.license)
    if (customer === undefined) return [404, 'no such license']
    if (this.mode === 'replaying' && this.#lastAnswer !== '') return [200, this.#lastAnswer]
    const away = this.mode === 'other-time' ? 3_600 : 0
    const signer = this.mode === 'forged' ? this.#stranger : this.key
    const envelope = {
      nonce: asked.nonce,
      lic: asked.license,
      time: Math.floor(this.#now() / 1_000) + away,
    }
    const content =
      path === '/v1/billing'
        ? { billing: billingOf(customer) }
        : { document: this.document(asked.license, {}, signer), revocation: this.revocation(asked.license) }
    this.#lastAnswer = seal('answer', signer, { ...envelope, ...content })
    return [200, this.#lastAnswer]
  }

  async #writeForEver(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.on('error', () => {})
    while (!response.destroyed && !this.#ended.signal.aborted) {
      response.write('A'.repeat(65_536))
      await sleep(this.#clock, 1, this.#ended.signal)
    }
  }
}

function billingOf({ tier }: Customer): object {
  return {
    plan: tier,
    from: '2026-01-01',
    to: '2026-12-31',
    currency: 'EUR',
    lines: [
      { item: 'platform', quantity: 1, cents: 240_000 },
      { item: 'connected-users', quantity: 4_210, cents: 421_000 },
    ],
    cents: 661_000,
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
