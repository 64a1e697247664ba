import { Agent } from 'node:http'
import { type Duplex, duplexPair } from 'node:stream'

/** One local connection: the stream that its client is joined to, our end of that, and its connection to the far end. */
export class HttpConnection {
  readonly near: Duplex
  readonly inner: Duplex
  readonly far: Duplex
  readonly agent: Agent
  /** Whether a request was refused: none is served behind it. */
  refused = false

  constructor(far: Duplex) {
    const [near, inner] = duplexPair()
    this.near = near
    this.inner = inner
    this.far = far
    this.agent = new OneConnectionAgent(far)
    near.on('error', () => {})
    inner.on('error', () => {})
    // What breaks the far end is the cause that its client's connection ends with.
    far.on('error', (error) => near.destroy(error))
    far.once('close', () => this.#endInner())
    near.once('close', () => inner.destroy())
    inner.once('close', () => {
      far.destroy()
      this.#endNear()
    })
  }

  /** The far end has hung up: so do we, behind what it has said. */
  #endInner(): void {
    if (!this.inner.writableEnded) this.inner.end()
    if (this.inner.writableFinished) this.inner.destroy()
    else this.inner.once('finish', () => this.inner.destroy())
  }

  /** What was said is still read. */
  #endNear(): void {
    const { near } = this
    if (near.destroyed) return
    if (near.readableEnded) near.destroy()
    else near.once('end', () => near.destroy())
  }
}

/** Gives the one connection that there is to one request after the other. */
class OneConnectionAgent extends Agent {
  #far: Duplex | undefined

  constructor(far: Duplex) {
    super({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
    this.#far = 'setKeepAlive' in far ? far : Object.assign(far, SOCKET_OPTIONS)
  }

  override createConnection(): Duplex {
    const far = this.#far
    if (far === undefined || far.destroyed) throw new Error('the far end has closed the connection')
    this.#far = undefined
    return far
  }
}

/** What an agent sets on a socket that it keeps: a stream has no options of TCP. */
const SOCKET_OPTIONS = { ref() {}, unref() {}, setKeepAlive() {}, setTimeout() {} }
