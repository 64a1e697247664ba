import { Duplex } from 'node:stream'
import { secureDatastore, type TlsWish } from '#core/datastores/io/check-certificate.ts'
import { formatRedirection, type ReplyPart, ReplyReader } from '#core/datastores/redis-replies.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Front } from '#core/tunnel/tunnel.ts'

/** Where something listens on this computer. */
export interface NearNode {
  readonly address: string
  readonly port: number
}

export interface RedisFrontOptions {
  /** The node speaks TLS: its certificate is checked here, as redis-cli checks no names. */
  readonly tls: TlsWish | undefined
  /** Makes the way to another node of the cluster; undefined for what is none. `host` is empty for this very one. */
  readonly wayTo: ((host: string, port: number) => Promise<NearNode>) | undefined
}

/**
 * A front for redis-cli: speaks TLS to the node so that the client need not, and turns redirections to other nodes into
 * such as lead there from this computer.
 */
export class RedisFront implements Front {
  readonly #options: RedisFrontOptions
  /** Why the last connection could not be used: its client has seen no more than its end. */
  failure: unknown

  constructor(options: RedisFrontOptions) {
    this.#options = options
  }

  async pass(far: Duplex): Promise<Duplex> {
    const { tls, wayTo } = this.#options
    try {
      const node = tls === undefined ? far : await secureDatastore(far, tls)
      return wayTo === undefined ? node : new RedirectingStream(node, wayTo)
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

/** A connection to one node, with its redirections changed. */
class RedirectingStream extends Duplex {
  readonly #node: Duplex
  readonly #wayTo: NonNullable<RedisFrontOptions['wayTo']>
  readonly #reader = new ReplyReader()
  /** What was read is passed on in order, a redirection when the way to its node is there. */
  #passing: Promise<void> = Promise.resolve()

  constructor(node: Duplex, wayTo: NonNullable<RedisFrontOptions['wayTo']>) {
    super()
    this.#node = node
    this.#wayTo = wayTo
    node.on('data', (chunk: Buffer) => {
      node.pause()
      this.#enqueue(() => this.#pass(this.#reader.read(chunk)))
    })
    node.on('end', () =>
      this.#enqueue(async () => {
        const held = this.#reader.end()
        if (held.length > 0) this.push(held)
        this.push(null)
      }),
    )
    node.on('error', (error) => this.destroy(error))
    node.once('close', () => {
      if (!node.readableEnded) this.destroy()
    })
  }

  override _read(): void {
    void this.#passing.then(() => this.#node.resume())
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#node.write(chunk, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#node.end(callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#node.destroy()
    callback(error)
  }

  #enqueue(action: () => Promise<void>): void {
    this.#passing = this.#passing.then(action).catch((error: unknown) => {
      this.destroy(error instanceof Error ? error : new Error(messageOf(error)))
    })
  }

  async #pass(parts: readonly ReplyPart[]): Promise<void> {
    let wantsMore = true
    for (const part of parts) wantsMore = this.push(await this.#bytesOf(part))
    // Parts that were all held back ask for nothing by themselves.
    if (wantsMore) this.#node.resume()
  }

  async #bytesOf(part: ReplyPart): Promise<Uint8Array> {
    if (part.kind === 'bytes') return part.bytes
    try {
      const { address, port } = await this.#wayTo(part.host, part.port)
      return formatRedirection(part, address, port)
    } catch (error) {
      throw new PgctlError('far-end-refused', `no way to the node ${part.host}:${part.port}`, {
        why: messageOf(error),
        next: 'run the command again: the cluster may have changed meanwhile',
        cause: error,
      })
    }
  }
}
