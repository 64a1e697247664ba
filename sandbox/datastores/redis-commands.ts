import type { Ms } from '#core/clock.ts'
import type { RedisStore } from './redis-store.ts'
import type { Reply, RespVersion } from './resp.ts'

/** One connection: what its commands have set, and the cache that it is to. */
export interface RedisSession {
  readonly id: number
  readonly store: RedisStore
  /** Cluster mode has one database, and says so. */
  readonly clustered: boolean
  database: number
  version: RespVersion
  name: string
}

interface Command {
  /** How many words follow the name. */
  readonly least: number
  readonly most: number
  run(session: RedisSession, words: readonly Buffer[], now: Ms): Reply
}

const DATABASES = 16
const VERSION = '7.1.0'
const OK: Reply = { simple: 'OK' }
const NOT_AN_INTEGER: Reply = { error: 'ERR value is not an integer or out of range' }
const SYNTAX: Reply = { error: 'ERR syntax error' }

/** Answers one request, whose first word is the command. */
export function runRedisCommand(session: RedisSession, words: readonly Buffer[], now: Ms): Reply {
  const [name = Buffer.alloc(0), ...rest] = words
  const text = name.toString('latin1')
  const command = COMMANDS[text.toUpperCase()]
  if (command === undefined) {
    const beginning = rest.map((word) => `'${word.toString('latin1').slice(0, 128)}'`).join(' ')
    return { error: `ERR unknown command '${text.slice(0, 128)}', with args beginning with: ${beginning}` }
  }
  if (rest.length < command.least || rest.length > command.most)
    return { error: `ERR wrong number of arguments for '${text.toLowerCase()}' command` }
  return command.run(session, rest, now)
}

const MANY = Number.MAX_SAFE_INTEGER

const COMMANDS: Readonly<Record<string, Command>> = {
  PING: { least: 0, most: 1, run: (_session, [word]) => word ?? { simple: 'PONG' } },
  ECHO: { least: 1, most: 1, run: (_session, [word]) => word ?? null },
  AUTH: {
    least: 1,
    most: 2,
    run: () => ({
      error:
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    }),
  },
  HELLO: { least: 0, most: MANY, run: hello },
  SELECT: {
    least: 1,
    most: 1,
    run(session, [word]) {
      const number = integerOf(word)
      if (number === undefined) return { error: 'ERR invalid DB index' }
      if (session.clustered && number !== 0) return { error: 'ERR SELECT is not allowed in cluster mode' }
      if (number < 0 || number >= DATABASES) return { error: 'ERR DB index is out of range' }
      session.database = number
      return OK
    },
  },
  CLIENT: { least: 1, most: MANY, run: client },
  COMMAND: {
    least: 0,
    most: MANY,
    run: (_session, [what]) => (isWord(what, 'COUNT') ? Object.keys(COMMANDS).length : []),
  },
  INFO: { least: 0, most: MANY, run: (session, sections, now) => info(session, sections, now) },
  DBSIZE: { least: 0, most: 0, run: ({ store, database }, _, now) => store.keys(database, now).length },
  FLUSHDB: { least: 0, most: 1, run: ({ store, database }) => cleared(store, database) },
  FLUSHALL: { least: 0, most: 1, run: ({ store }) => cleared(store) },
  SET: { least: 2, most: MANY, run: set },
  GET: { least: 1, most: 1, run: ({ store, database }, [key], now) => valueAt(store, database, key, now) },
  MGET: {
    least: 1,
    most: MANY,
    run: ({ store, database }, keys, now) => keys.map((key) => valueAt(store, database, key, now)),
  },
  STRLEN: {
    least: 1,
    most: 1,
    run: ({ store, database }, [key], now) => store.get(database, textOf(key), now)?.value.length ?? 0,
  },
  INCR: { least: 1, most: 1, run: (session, [key], now) => increment(session, key, 1, now) },
  DECR: { least: 1, most: 1, run: (session, [key], now) => increment(session, key, -1, now) },
  DEL: { least: 1, most: MANY, run: remove },
  UNLINK: { least: 1, most: MANY, run: remove },
  EXISTS: {
    least: 1,
    most: MANY,
    run: ({ store, database }, keys, now) =>
      keys.filter((key) => store.get(database, textOf(key), now) !== undefined).length,
  },
  EXPIRE: { least: 2, most: 2, run: (session, words, now) => expire(session, words, 1000, now) },
  PEXPIRE: { least: 2, most: 2, run: (session, words, now) => expire(session, words, 1, now) },
  PERSIST: {
    least: 1,
    most: 1,
    run({ store, database }, [key], now) {
      const entry = store.get(database, textOf(key), now)
      if (entry?.expires === undefined) return 0
      store.set(database, textOf(key), { ...entry, expires: undefined })
      return 1
    },
  },
  TTL: { least: 1, most: 1, run: (session, [key], now) => timeLeft(session, key, 1000, now) },
  PTTL: { least: 1, most: 1, run: (session, [key], now) => timeLeft(session, key, 1, now) },
  TYPE: {
    least: 1,
    most: 1,
    run: ({ store, database }, [key], now) => ({
      simple: store.get(database, textOf(key), now) === undefined ? 'none' : 'string',
    }),
  },
  KEYS: {
    least: 1,
    most: 1,
    run: ({ store, database }, [pattern], now) =>
      store
        .keys(database, now)
        .filter(matching(textOf(pattern)))
        .map(bytesOf),
  },
  SCAN: { least: 1, most: MANY, run: scan },
}

function hello(session: RedisSession, words: readonly Buffer[]): Reply {
  const [wanted, ...options] = words
  const version = wanted === undefined ? session.version : integerOf(wanted)
  if (version !== 2 && version !== 3) return { error: 'NOPROTO unsupported protocol version' }
  for (let i = 0; i < options.length; i += 2) {
    if (isWord(options[i], 'SETNAME') && options[i + 1] !== undefined) session.name = textOf(options[i + 1])
    else if (isWord(options[i], 'AUTH'))
      return { error: 'WRONGPASS invalid username-password pair or user is disabled.' }
    else return { error: `ERR syntax error in HELLO option '${textOf(options[i])}'` }
  }
  session.version = version
  return new Map<string, Reply>([
    ['server', 'redis'],
    ['version', VERSION],
    ['proto', version],
    ['id', session.id],
    ['mode', session.clustered ? 'cluster' : 'standalone'],
    ['role', 'master'],
    ['modules', []],
  ])
}

function client(session: RedisSession, [what, ...words]: readonly Buffer[]): Reply {
  if (isWord(what, 'ID')) return session.id
  if (isWord(what, 'GETNAME')) return session.name === '' ? null : bytesOf(session.name)
  if (isWord(what, 'SETINFO')) return OK
  if (isWord(what, 'SETNAME') && words[0] !== undefined) {
    session.name = textOf(words[0])
    return OK
  }
  return { error: `ERR unknown subcommand '${textOf(what)}'. Try CLIENT HELP.` }
}

function set({ store, database }: RedisSession, words: readonly Buffer[], now: Ms): Reply {
  const [key, value = Buffer.alloc(0), ...options] = words
  const before = store.get(database, textOf(key), now)
  let expires: Ms | undefined
  let condition: boolean = true
  let answersOld = false
  for (let i = 0; i < options.length; i += 1) {
    const option = options[i]
    if (isWord(option, 'NX')) condition = before === undefined
    else if (isWord(option, 'XX')) condition = before !== undefined
    else if (isWord(option, 'GET')) answersOld = true
    else if (isWord(option, 'KEEPTTL')) expires = before?.expires
    else if (isWord(option, 'EX') || isWord(option, 'PX')) {
      i += 1
      const duration = integerOf(options[i])
      if (duration === undefined) return NOT_AN_INTEGER
      if (duration <= 0) return { error: "ERR invalid expire time in 'set' command" }
      expires = now + duration * (isWord(option, 'EX') ? 1000 : 1)
    } else return SYNTAX
  }
  if (condition && !store.set(database, textOf(key), { value, expires })) return FULL
  if (answersOld) return before?.value ?? null
  return condition ? OK : null
}

const FULL: Reply = { error: "OOM command not allowed when used memory > 'maxmemory'." }

function valueAt(store: RedisStore, database: number, key: Buffer | undefined, now: Ms): Reply {
  return store.get(database, textOf(key), now)?.value ?? null
}

function increment({ store, database }: RedisSession, key: Buffer | undefined, by: number, now: Ms): Reply {
  const entry = store.get(database, textOf(key), now)
  const value = entry === undefined ? 0 : integerOf(entry.value)
  if (value === undefined) return NOT_AN_INTEGER
  const next = { value: Buffer.from(String(value + by)), expires: entry?.expires }
  return store.set(database, textOf(key), next) ? value + by : FULL
}

function remove({ store, database }: RedisSession, keys: readonly Buffer[], now: Ms): Reply {
  return keys.filter((key) => {
    const there = store.get(database, textOf(key), now) !== undefined
    return there && store.delete(database, textOf(key))
  }).length
}

function expire(session: RedisSession, [key, given]: readonly Buffer[], unit: Ms, now: Ms): Reply {
  const { store, database } = session
  const duration = integerOf(given)
  if (duration === undefined) return NOT_AN_INTEGER
  const entry = store.get(database, textOf(key), now)
  if (entry === undefined) return 0
  if (duration <= 0) store.delete(database, textOf(key))
  else store.set(database, textOf(key), { ...entry, expires: now + duration * unit })
  return 1
}

function timeLeft({ store, database }: RedisSession, key: Buffer | undefined, unit: Ms, now: Ms): Reply {
  const entry = store.get(database, textOf(key), now)
  if (entry === undefined) return -2
  return entry.expires === undefined ? -1 : Math.round((entry.expires - now) / unit)
}

function scan({ store, database }: RedisSession, words: readonly Buffer[], now: Ms): Reply {
  const [cursor, ...options] = words
  const start = integerOf(cursor)
  if (start === undefined || start < 0) return { error: 'ERR invalid cursor' }
  let count = 10
  let fits = (_key: string): boolean => true
  let kind = 'string'
  for (let i = 0; i < options.length; i += 2) {
    const value = options[i + 1]
    if (value === undefined) return SYNTAX
    if (isWord(options[i], 'COUNT')) count = integerOf(value) ?? 0
    else if (isWord(options[i], 'MATCH')) fits = matching(textOf(value))
    else if (isWord(options[i], 'TYPE')) kind = textOf(value).toLowerCase()
    else return SYNTAX
  }
  if (count < 1) return SYNTAX
  const keys = store.keys(database, now)
  const end = start + count
  const found = keys.slice(start, end).filter((key) => kind === 'string' && fits(key))
  return [end < keys.length ? String(end) : '0', found.map(bytesOf)]
}

function cleared(store: RedisStore, database?: number): Reply {
  store.clear(database)
  return OK
}

type Field = readonly [name: string, value: string | number]

function info({ store, clustered }: RedisSession, sections: readonly Buffer[], now: Ms): Reply {
  const keyspace = store.databases().flatMap((number): Field[] => {
    const keys = store.keys(number, now)
    const ending = keys.filter((key) => store.get(number, key, now)?.expires !== undefined).length
    return keys.length === 0 ? [] : [[`db${number}`, `keys=${keys.length},expires=${ending},avg_ttl=0`]]
  })
  const all: Readonly<Record<string, readonly Field[]>> = {
    Server: [
      ['redis_version', VERSION],
      ['redis_mode', clustered ? 'cluster' : 'standalone'],
      ['os', 'Amazon ElastiCache'],
      ['tcp_port', 6379],
    ],
    Memory: [['used_memory', store.held]],
    Replication: [
      ['role', 'master'],
      ['connected_slaves', 0],
    ],
    Cluster: [['cluster_enabled', clustered ? 1 : 0]],
    Keyspace: keyspace,
  }
  const wanted = sections.map((section) => textOf(section).toLowerCase())
  const everything =
    wanted.length === 0 || wanted.some((name) => ['all', 'everything', 'default'].includes(name))
  return Object.entries(all)
    .filter(([name]) => everything || wanted.includes(name.toLowerCase()))
    .map(([name, fields]) => `# ${name}\r\n${fields.map(([key, value]) => `${key}:${value}\r\n`).join('')}`)
    .join('\r\n')
}

/** `*` stands for any text, `?` for one character, `[a-c]` for one of some; a backslash takes each as it is. */
function matching(pattern: string): (key: string) => boolean {
  const source = pattern.replace(/\\(.)|\[\^?[^\]]*\]|[*?]|[.+^${}()|[\]\\]/gs, (found, escaped?: string) => {
    if (escaped !== undefined) return `\\u{${escaped.charCodeAt(0).toString(16)}}`
    if (found === '*') return '.*'
    if (found === '?') return '.'
    return found.length > 1 ? found.replaceAll('\\', '\\\\') : `\\${found}`
  })
  const expression = new RegExp(`^${source}$`, 'su')
  return (key) => expression.test(key)
}

function integerOf(word: Buffer | undefined): number | undefined {
  const text = textOf(word)
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
  return value
}

function isWord(word: Buffer | undefined, name: string): boolean {
  return textOf(word).toUpperCase() === name
}

/** Keys are bytes: a text of one character a byte keeps them apart as they are. */
function textOf(word: Buffer | undefined): string {
  return word?.toString('latin1') ?? ''
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key, 'latin1')
}
