import { SLOTS } from '#sandbox/worlds/datastores.ts'
import { textOf } from './redis-words.ts'
import type { Reply } from './resp.ts'

/** Which node of a cluster has a key, as Redis' cluster specification says. */

/** One node, and what it knows of the others. */
export interface ClusterNode {
  /** The number of the shard that it is of. */
  readonly shard: number
  readonly isPrimary: boolean
  /** The hosts of the shards' primaries, in order of their slots. */
  readonly primaries: readonly string[]
  readonly port: number
}

/** Commands whose first word is a key, and those whose every word is. */
const ONE_KEY = new Set([
  ...['SET', 'GET', 'STRLEN', 'INCR', 'DECR', 'EXPIRE', 'PEXPIRE', 'PERSIST', 'TTL', 'PTTL', 'TYPE'],
])
const ALL_KEYS = new Set(['MGET', 'DEL', 'UNLINK', 'EXISTS'])

/** The slot of a key: of the part in braces alone, where it has one. */
export function slotOf(key: Buffer): number {
  const text = textOf(key)
  const tag = /^[^{]*\{([^}]+)\}/.exec(text)?.[1]
  return crc16(tag === undefined ? key : Buffer.from(tag, 'latin1')) % SLOTS
}

/** The shard that has a slot. */
export function shardOf(slot: number, shards: number): number {
  return Math.floor((slot * shards) / SLOTS)
}

/** Where a command belongs, if not here; undefined where the node runs it itself. */
export function redirectionOf(
  node: ClusterNode,
  command: string,
  words: readonly Buffer[],
): Reply | undefined {
  const keys = ONE_KEY.has(command) ? words.slice(0, 1) : ALL_KEYS.has(command) ? words : []
  const slots = [...new Set(keys.map(slotOf))]
  const [slot, ...others] = slots
  if (slot === undefined) return undefined
  if (others.length > 0) return { error: "CROSSSLOT Keys in request don't hash to the same slot" }
  const shard = shardOf(slot, node.primaries.length)
  if (shard === node.shard && node.isPrimary) return undefined
  return { error: `MOVED ${slot} ${node.primaries[shard]}:${node.port}` }
}

/** What `CLUSTER` tells: the slot of a key, and where all slots are. */
export function clusterReply({ primaries, port }: ClusterNode, words: readonly Buffer[]): Reply {
  const [what, key] = words
  switch (textOf(what).toUpperCase()) {
    case 'KEYSLOT':
      return key === undefined
        ? { error: "ERR wrong number of arguments for 'cluster|keyslot' command" }
        : slotOf(key)
    case 'SLOTS':
      return primaries.map((host, shard): Reply => {
        const [first, last] = slotsOfShard(shard, primaries.length)
        return [first, last, [Buffer.from(host), port, Buffer.from(`shard${shard}`)]]
      })
    default:
      return { error: `ERR unknown subcommand '${textOf(what)}'. Try CLUSTER HELP.` }
  }
}

function slotsOfShard(shard: number, shards: number): [number, number] {
  const size = SLOTS / shards
  return [Math.ceil(shard * size), Math.ceil((shard + 1) * size) - 1]
}

/** CRC16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff
  }
  return crc
}
