import { matchName } from '#core/installation/resource-names.ts'

/** Where a login comes from: the cluster's Secret, Secrets Manager, a token of RDS, or the person who is asked. */
export const LOGIN_SOURCES = ['secret', 'secrets-manager', 'iam', 'prompt'] as const
export type LoginSource = (typeof LOGIN_SOURCES)[number]

/** Who enters a datastore, and by what. */
export interface Login {
  readonly user: string | undefined
  /** Secret. Undefined where the client is to ask for it, or none is needed. */
  readonly password: string | undefined
  readonly database: string | undefined
  /** Where it comes from, for a person: `Secret paragon-secrets, HERMES_POSTGRES_PASSWORD`. */
  readonly from: string
}

/** Names of entries that belong together; a `*` in each stands for the same text. */
export interface LoginEntries {
  readonly host: string
  readonly user?: string | undefined
  readonly password: string
  readonly database?: string | undefined
}

/**
 * The login of the datastore at one of `hosts` among the entries of a secret: the first whose own host is that, in the
 * order of the patterns and then of the entries' names. `user` chooses among several. `from` names the entry with the
 * password. Undefined where no entries fit, or they hold no password.
 */
export function findLogin(
  entries: ReadonlyMap<string, string>,
  patterns: readonly LoginEntries[],
  { hosts, user }: { readonly hosts: readonly string[]; readonly user?: string | undefined },
): Login | undefined {
  for (const pattern of patterns)
    for (const name of [...entries.keys()].sort()) {
      const part = matchName(name, [pattern.host])
      if (part === undefined) continue
      const address = readAddress(entries.get(name) ?? '')
      if (address === undefined || !hosts.includes(address.host)) continue
      const entryOf = (wanted: string | undefined) => {
        const key = wanted?.replace('*', part)
        return { key, value: key === undefined ? undefined : entries.get(key) || undefined }
      }
      const password = entryOf(pattern.password)
      const login: Login = {
        user: entryOf(pattern.user).value ?? address.user,
        password: password.value ?? address.password,
        database: entryOf(pattern.database).value ?? address.database,
        from: password.value === undefined ? name : (password.key ?? name),
      }
      if (login.password !== undefined && (user === undefined || login.user === user)) return login
    }
  return undefined
}

interface Address {
  /** Lower case. */
  readonly host: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
}

/** `HOST`, `HOST:PORT`, or a URL with or without a login; undefined for what is none. */
function readAddress(text: string): Address | undefined {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  // A scheme that the URL parser knows by name would lose its default port, which nobody needs here.
  const url = URL.parse(isUrl ? text : `tcp://${text}`)
  if (url === null || url.hostname === '') return undefined
  return {
    host: url.hostname.toLowerCase(),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)),
  }
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text)
  } catch {
    return text
  }
}
