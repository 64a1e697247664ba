import type { Ms } from '#core/clock.ts'
import type { RedisSession } from './redis-commands.ts'
import { textOf } from './redis-words.ts'
import type { Reply } from './resp.ts'

/** What ElastiCache runs. */
export const REDIS_VERSION = '7.1.0'

type Field = readonly [name: string, value: string | number]

/** What a cache tells of itself, in sections as `INFO` names them. */
export function info({ store, node }: RedisSession, sections: readonly Buffer[], now: Ms): Reply {
  const keyspace = store.databases().flatMap((number): Field[] => {
    const keys = store.keys(number, now)
    const ending = keys.filter((key) => store.get(number, key, now)?.expires !== undefined).length
    return keys.length === 0 ? [] : [[`db${number}`, `keys=${keys.length},expires=${ending},avg_ttl=0`]]
  })
  const all: Readonly<Record<string, readonly Field[]>> = {
    Server: [
      ['redis_version', REDIS_VERSION],
      ['redis_mode', node !== undefined ? 'cluster' : 'standalone'],
      ['os', 'Amazon ElastiCache'],
      ['tcp_port', 6379],
    ],
    Memory: [['used_memory', store.held]],
    Replication: [
      ['role', 'master'],
      ['connected_slaves', 0],
    ],
    Cluster: [['cluster_enabled', node !== undefined ? 1 : 0]],
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
