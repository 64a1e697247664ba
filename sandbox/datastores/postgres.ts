import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { messageOf } from '#core/errors.ts'
import type { PostgresEngine } from './postgres-engine.ts'
import {
  CANCEL_REQUEST,
  errorMessage,
  type FirstMessage,
  GSS_REQUEST,
  int32,
  type Message,
  MessageReader,
  message,
  PROTOCOL_MAJOR,
  readyForQuery,
  SSL_REQUEST,
  startParameters,
  statusIn,
} from './postgres-messages.ts'
import { drained } from './redis.ts'
import { scramChallenge } from './scram.ts'
import { secure } from './tcp-service.ts'

export interface PostgresOptions {
  readonly user: string
  readonly password: string
  readonly database: string
  /** How the client's address looks to the server, for its refusals. */
  readonly clientAddress: string
  secureContext(): Promise<SecureContext>
  /** The user who is let in by tokens and by no password, where there is one. */
  readonly tokens?: { readonly user: string; verify(token: string): boolean } | undefined
  /** The database behind, started when the first client has shown who it is. */
  engine(): Promise<PostgresEngine>
}

/** Serves one client of a database: TLS as RDS demands it, who it is, and then what it asks. */
export async function servePostgres(socket: Socket, options: PostgresOptions): Promise<void> {
  try {
    await new Front(socket, options).serve()
  } catch {
    // A client that goes, or that speaks another protocol, is told nothing.
    socket.destroy()
  }
}

/** A refusal after which the connection ends. */
class Refusal extends Error {
  readonly state: string

  constructor(state: string, text: string) {
    super(text)
    this.state = state
  }
}

class Front {
  readonly #options: PostgresOptions
  readonly #reader = new MessageReader()
  #socket: Socket
  /** As the last ReadyForQuery told it. */
  #status = 'I'
  /** Whether everything until the next Sync is passed over, as after any error of the extended protocol. */
  #skipping = false

  constructor(socket: Socket, options: PostgresOptions) {
    this.#socket = socket
    this.#options = options
  }

  async serve(): Promise<void> {
    const start = await this.#greet()
    if (start === undefined) return
    try {
      await this.#authenticate(start)
      await this.#converse(await this.#options.engine(), start)
      this.#socket.end()
    } catch (error) {
      if (this.#socket.destroyed) return
      const state = error instanceof Refusal ? error.state : '57P01'
      this.#socket.end(errorMessage('FATAL', state, messageOf(error)))
    }
  }

  /** The start-up message, after TLS; undefined where none comes. */
  async #greet(): Promise<FirstMessage | undefined> {
    for (let isSecure = false; ; ) {
      const first = await this.#read(() => this.#reader.nextFirst())
      if (first === undefined || first.code === CANCEL_REQUEST) {
        this.#socket.end()
        return undefined
      }
      if (first.code === GSS_REQUEST) this.#socket.write('N')
      else if (first.code === SSL_REQUEST) {
        // What came before the answer was not encrypted: somebody on the way may have put it there.
        if (isSecure || this.#reader.held > 0) throw new Error('a request for TLS with something behind it')
        const context = await this.#options.secureContext()
        this.#socket.write('S')
        this.#socket = secure(this.#socket, context)
        isSecure = true
      } else if (first.code >> 16 === PROTOCOL_MAJOR) {
        if (isSecure) return first
        const { user = '', database = user } = Object.fromEntries(startParameters(first.payload))
        const from = `host "${this.#options.clientAddress}", user "${user}", database "${database}"`
        this.#socket.end(errorMessage('FATAL', '28000', `no pg_hba.conf entry for ${from}, no encryption`))
        return undefined
      } else throw new Error('another protocol')
    }
  }

  /** @throws Refusal */
  async #authenticate({ code, payload }: FirstMessage): Promise<void> {
    const parameters = startParameters(payload)
    const user = parameters.get('user') ?? ''
    // A later minor version is answered with the one that is spoken here.
    if ((code & 0xffff) > 0) this.#socket.write(message('v', int32(PROTOCOL_MAJOR << 16), int32(0)))
    const { tokens } = this.#options
    if (tokens?.user === user) await this.#authenticateByToken(tokens)
    else await this.#authenticateByPassword(user)
    const database = parameters.get('database') ?? user
    if (database !== this.#options.database)
      throw new Refusal('3D000', `database "${database}" does not exist`)
  }

  /** In clear, as RDS asks for it: TLS is around it. */
  async #authenticateByToken(tokens: NonNullable<PostgresOptions['tokens']>): Promise<void> {
    this.#socket.write(message('R', int32(3)))
    const [token = ''] = splitAtZero((await this.#answer()).payload)
    if (!tokens.verify(token))
      throw new Refusal('28000', `PAM authentication failed for user "${tokens.user}"`)
  }

  async #authenticateByPassword(user: string): Promise<void> {
    this.#socket.write(message('R', int32(10), 'SCRAM-SHA-256\0\0'))
    const failed = new Refusal('28P01', `password authentication failed for user "${user}"`)
    const [mechanism = '', rest = Buffer.alloc(0)] = splitAtZero((await this.#answer()).payload)
    if (mechanism !== 'SCRAM-SHA-256') throw failed
    const challenge = scramChallenge(rest.subarray(4).toString('utf8'), {
      password: this.#options.password,
      salt: randomBytes(16),
      nonce: randomBytes(18).toString('base64'),
    })
    if (challenge === undefined) throw failed
    this.#socket.write(message('R', int32(11), challenge.text))
    const signature = challenge.verify((await this.#answer()).payload.toString('utf8'))
    if (signature === undefined || user !== this.#options.user) throw failed
    this.#socket.write(message('R', int32(12), signature))
  }

  async #answer(): Promise<Message> {
    const found = await this.#read(() => this.#reader.next())
    if (found?.type !== 'p') throw new Refusal('08P01', 'expected an answer to the authentication request')
    return found
  }

  /**
   * What the client asks, until it goes. The engine has one session, which a client has from its first message until
   * the server is idle again: transactions of several clients follow each other. Settings are those of the client that
   * comes to it, as its start-up message has them; what it sets later is gone when another one has come between.
   */
  async #converse(engine: PostgresEngine, start: FirstMessage): Promise<void> {
    await engine.exclusively(async () => this.#send(await engine.exchange(start.bytes)))
    for (let open = true; open; ) {
      const first = await this.#next()
      if (first === undefined) return
      open = await engine.exclusively(() => this.#converseAlone(engine, start, first))
    }
  }

  /** Whether the client is still there when the server is idle. */
  async #converseAlone(engine: PostgresEngine, start: FirstMessage, first: Message): Promise<boolean> {
    await this.#takeOver(engine, start)
    for (let asked: Message | undefined = first; asked !== undefined; asked = await this.#next()) {
      await this.#send(await this.#exchange(engine, asked))
      if (this.#status === 'I' && (asked.type === 'Q' || asked.type === 'S')) return true
    }
    await engine.exchange(message('Q', 'ROLLBACK\0'))
    return false
  }

  async #takeOver(engine: PostgresEngine, { payload }: FirstMessage): Promise<void> {
    if (LAST_CLIENT.get(engine) === this) return
    LAST_CLIENT.set(engine, this)
    const settings = optionsIn(startParameters(payload).get('options') ?? '')
    for (const statement of ['RESET ALL', ...settings]) await engine.exchange(message('Q', `${statement}\0`))
  }

  async #exchange(engine: PostgresEngine, asked: Message): Promise<Uint8Array> {
    if (this.#skipping && asked.type !== 'S') return Buffer.alloc(0)
    this.#skipping = false
    if ((asked.type === 'Q' || asked.type === 'P') && FROM_CLIENT.test(asked.payload.toString('latin1'))) {
      this.#skipping = asked.type === 'P'
      const refusal = errorMessage('ERROR', '0A000', 'the sandbox takes no COPY from a client: use INSERT')
      return asked.type === 'P' ? refusal : Buffer.concat([refusal, readyForQuery(this.#status)])
    }
    const answer = await engine.exchange(asked.bytes)
    this.#status = statusIn(answer) ?? this.#status
    return answer
  }

  /** The next message, or undefined when the client has gone or says that it goes. */
  async #next(): Promise<Message | undefined> {
    const found = await this.#read(() => this.#reader.next())
    return found?.type === 'X' ? undefined : found
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.write(bytes)) await drained(this.#socket)
  }

  async #read<T>(next: () => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = next()
      if (found !== undefined) return found
      const chunk = this.#socket.read() as Buffer | null
      if (chunk !== null) this.#reader.push(chunk)
      else if (this.#socket.readableEnded || this.#socket.destroyed) return undefined
      else await Promise.race([once(this.#socket, 'readable'), once(this.#socket, 'close')])
    }
  }
}

/** Who has the settings of an engine's one session. */
const LAST_CLIENT = new WeakMap<PostgresEngine, Front>()

/** What `-c NAME=VALUE` and `--NAME=VALUE` in a client's options set, as statements; blanks in a value are escaped. */
function optionsIn(options: string): string[] {
  const words = options.match(/(?:\\.|[^\s\\])+/g) ?? []
  return words
    .join(' ')
    .split(/(?:^|\s)(?:-c\s*|--)/)
    .flatMap((setting) => {
      const [, name, value = ''] = /^([a-zA-Z_.-]+)=(.*)$/.exec(setting.trim()) ?? []
      if (name === undefined) return []
      return [
        `SET ${name.replaceAll('-', '_')} = '${value.replaceAll(/\\(.)/g, '$1').replaceAll("'", "''")}'`,
      ]
    })
}

const FROM_CLIENT = /\bcopy\b[^;]*\bfrom\s+stdin\b/i

function splitAtZero(payload: Buffer): [text: string, rest: Buffer] {
  const at = payload.indexOf(0)
  return at < 0 ? ['', payload] : [payload.toString('utf8', 0, at), payload.subarray(at + 1)]
}
