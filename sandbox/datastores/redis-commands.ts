import type { Ms } from '#core/clock.ts'
import { info, REDIS_VERSION } from './redis-info.ts'
import { expire, increment, remove, scan, set, timeLeft, valueAt } from './redis-keys.ts'
import { type ClusterNode, clusterReply, redirectionOf } from './redis-slots.ts'
import type { RedisStore } from './redis-store.ts'
import { bytesOf, integerOf, isWord, matching, textOf } from './redis-words.ts'
import type { Reply, RespVersion } from './resp.ts'

/** One connection: what its commands have set, and the cache that it is to. */
export interface RedisSession {
  readonly id: number
  readonly store: RedisStore
  /** Where it is in its cluster, which has one database only; undefined for one that stands alone. */
  readonly node: ClusterNode | undefined
  readonly password: string | undefined
  /** Whether the client has shown the password, or none is asked for. */
  isIn: boolean
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
const OK: Reply = { simple: 'OK' }

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
  if (!session.isIn && !['AUTH', 'HELLO'].includes(text.toUpperCase()))
    return { error: 'NOAUTH Authentication required.' }
  const elsewhere = session.node && redirectionOf(session.node, text.toUpperCase(), rest)
  if (elsewhere !== undefined) return elsewhere
  return command.run(session, rest, now)
}

const MANY = Number.MAX_SAFE_INTEGER

const COMMANDS: Readonly<Record<string, Command>> = {
  PING: { least: 0, most: 1, run: (_session, [word]) => word ?? { simple: 'PONG' } },
  ECHO: { least: 1, most: 1, run: (_session, [word]) => word ?? null },
  AUTH: {
    least: 1,
    most: 2,
    run: authenticate,
  },
  HELLO: { least: 0, most: MANY, run: hello },
  SELECT: {
    least: 1,
    most: 1,
    run(session, [word]) {
      const number = integerOf(word)
      if (number === undefined) return { error: 'ERR invalid DB index' }
      if (session.node !== undefined && number !== 0)
        return { error: 'ERR SELECT is not allowed in cluster mode' }
      if (number < 0 || number >= DATABASES) return { error: 'ERR DB index is out of range' }
      session.database = number
      return OK
    },
  },
  CLUSTER: {
    least: 1,
    most: MANY,
    run: ({ node }, words) =>
      node === undefined
        ? { error: 'ERR This instance has cluster support disabled' }
        : clusterReply(node, words),
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

const WRONG_PASSWORD: Reply = { error: 'WRONGPASS invalid username-password pair or user is disabled.' }

/** By the password alone, or with the one user that there is. */
function authenticate(session: RedisSession, words: readonly Buffer[]): Reply {
  if (session.password === undefined && words.length === 1)
    return {
      error:
        'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    }
  const [user, password] = words.length === 1 ? ['default', textOf(words[0])] : words.map(textOf)
  if (user !== 'default' || password !== session.password) return WRONG_PASSWORD
  session.isIn = true
  return OK
}

function hello(session: RedisSession, words: readonly Buffer[]): Reply {
  const [wanted, ...options] = words
  const version = wanted === undefined ? session.version : integerOf(wanted)
  if (version !== 2 && version !== 3) return { error: 'NOPROTO unsupported protocol version' }
  for (let i = 0; i < options.length; i += 2) {
    if (isWord(options[i], 'SETNAME') && options[i + 1] !== undefined) session.name = textOf(options[i + 1])
    else if (isWord(options[i], 'AUTH')) {
      const reply = authenticate(session, options.slice(i + 1, i + 3))
      if (reply !== OK) return reply
      i += 1
    } else return { error: `ERR syntax error in HELLO option '${textOf(options[i])}'` }
  }
  if (!session.isIn)
    return {
      error:
        'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    }
  session.version = version
  return new Map<string, Reply>([
    ['server', 'redis'],
    ['version', REDIS_VERSION],
    ['proto', version],
    ['id', session.id],
    ['mode', session.node !== undefined ? 'cluster' : 'standalone'],
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

function cleared(store: RedisStore, database?: number): Reply {
  store.clear(database)
  return OK
}
