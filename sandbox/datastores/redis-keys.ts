import type { Ms } from '#core/clock.ts'
import type { RedisSession } from './redis-commands.ts'
import type { RedisStore } from './redis-store.ts'
import { bytesOf, integerOf, isWord, matching, textOf } from './redis-words.ts'
import type { Reply } from './resp.ts'

/** The commands that read and write keys; `now` is wall time. */

const OK: Reply = { simple: 'OK' }
const NOT_AN_INTEGER: Reply = { error: 'ERR value is not an integer or out of range' }
const SYNTAX: Reply = { error: 'ERR syntax error' }

export function set({ store, database }: RedisSession, words: readonly Buffer[], now: Ms): Reply {
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

export function valueAt(store: RedisStore, database: number, key: Buffer | undefined, now: Ms): Reply {
  return store.get(database, textOf(key), now)?.value ?? null
}

export function increment(
  { store, database }: RedisSession,
  key: Buffer | undefined,
  by: number,
  now: Ms,
): Reply {
  const entry = store.get(database, textOf(key), now)
  const value = entry === undefined ? 0 : integerOf(entry.value)
  if (value === undefined) return NOT_AN_INTEGER
  const next = { value: Buffer.from(String(value + by)), expires: entry?.expires }
  return store.set(database, textOf(key), next) ? value + by : FULL
}

export function remove({ store, database }: RedisSession, keys: readonly Buffer[], now: Ms): Reply {
  return keys.filter((key) => {
    const there = store.get(database, textOf(key), now) !== undefined
    return there && store.delete(database, textOf(key))
  }).length
}

export function expire(session: RedisSession, [key, given]: readonly Buffer[], unit: Ms, now: Ms): Reply {
  const { store, database } = session
  const duration = integerOf(given)
  if (duration === undefined) return NOT_AN_INTEGER
  const entry = store.get(database, textOf(key), now)
  if (entry === undefined) return 0
  if (duration <= 0) store.delete(database, textOf(key))
  else store.set(database, textOf(key), { ...entry, expires: now + duration * unit })
  return 1
}

export function timeLeft(
  { store, database }: RedisSession,
  key: Buffer | undefined,
  unit: Ms,
  now: Ms,
): Reply {
  const entry = store.get(database, textOf(key), now)
  if (entry === undefined) return -2
  return entry.expires === undefined ? -1 : Math.round((entry.expires - now) / unit)
}

export function scan({ store, database }: RedisSession, words: readonly Buffer[], now: Ms): Reply {
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
