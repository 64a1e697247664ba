import {
  cacheNodes,
  configurationHost,
  databaseHost,
  POSTGRES_PORT,
  REDIS_PORT,
} from '#sandbox/worlds/datastores.ts'
import type { World } from '#sandbox/worlds/installation.ts'

/** Who may open a database: fictional data on this computer alone, so that the password is no secret. */
export const DATABASE_LOGIN = { user: 'postgres', password: 'sandbox', database: 'postgres' } as const

/** Who may open a cache that asks: as fictional. */
export const CACHE_PASSWORD = 'a-password-of-the-sandbox'

/** Who may open one that takes tokens, and by nothing but a token: the database has granted `rds_iam`. */
export const TOKEN_USER = 'oncall'

/**
 * What the product's charts are told of its datastores. An installation with one database has the entries of the older
 * charts; one with several has them for each part of the product.
 */
export function datastoreEntries(world: World): Record<string, string> {
  const [only, ...others] = world.databases
  const databases =
    only !== undefined && others.length === 0
      ? { ...loginOf(world, only.id, ''), POSTGRES_USER: DATABASE_LOGIN.user }
      : Object.assign(
          {},
          ...world.databases
            .filter(({ keepsPassword }) => !keepsPassword)
            .map(({ id }) => loginOf(world, id, `${prefixOf(world, id)}_`)),
        )
  const caches = world.caches.map((cache) => {
    const [node] = cacheNodes(world, cache)
    const host = cache.kind === 'group' ? configurationHost(world, cache) : (node?.host ?? '')
    const part = cache.id.slice(`${world.workspace}-redis`.length + 1)
    const prefix = part === '' ? '' : `${constantCase(part)}_`
    const asks = cache.kind === 'group' && cache.asksPassword
    return {
      [`${prefix}REDIS_URL`]: `${host}:${REDIS_PORT}`,
      ...(asks ? { [`${prefix}REDIS_PASSWORD`]: CACHE_PASSWORD } : {}),
    }
  })
  return Object.assign({}, databases, ...caches)
}

function loginOf(world: World, id: string, prefix: string): Record<string, string> {
  const { user, password, database } = DATABASE_LOGIN
  return {
    [`${prefix}POSTGRES_HOST`]: databaseHost(world, { id }),
    [`${prefix}POSTGRES_PORT`]: String(POSTGRES_PORT),
    ...(prefix === '' ? {} : { [`${prefix}POSTGRES_USERNAME`]: user }),
    [`${prefix}POSTGRES_PASSWORD`]: password,
    [`${prefix}POSTGRES_DATABASE`]: database,
  }
}

/** The charts write one of them in two words. */
function prefixOf({ workspace }: World, id: string): string {
  const part = id.slice(workspace.length + 1)
  return part === 'eventlogs' ? 'EVENT_LOGS' : constantCase(part)
}

function constantCase(text: string): string {
  return text.toUpperCase().replaceAll('-', '_')
}
