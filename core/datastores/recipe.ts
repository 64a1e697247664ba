import type { Login } from '#core/datastores/login.ts'
import type { Datastore, Endpoint } from '#core/installation/datastores.ts'

/** How a client of one's own enters a datastore through a tunnel; it holds a password only where that was asked for. */
export interface Recipe {
  readonly target: string
  readonly engine: Datastore['engine']
  /** The command that opens the tunnel, and where that listens on this computer. */
  readonly tunnel: string
  readonly address: string
  readonly port: number
  /** The datastore's own address; the certificate bears the host. */
  readonly host: string
  readonly hostPort: number
  readonly database: string | undefined
  readonly user: string | undefined
  readonly tls: boolean
  /** The file of the authorities that may have signed the certificate; undefined where this computer's own count. */
  readonly authorities: string | undefined
  /** Where the login comes from; undefined where none is needed. */
  readonly from: string | undefined
  /** The command that prints the password; undefined where there is none. */
  readonly passwordCommand: string | undefined
  /** Secret. */
  readonly password: string | undefined
  /** Whether its nodes send a client on to addresses that a single tunnel does not lead to. */
  readonly sharded: boolean
}

export interface RecipeParts {
  readonly store: Datastore
  readonly endpoint: Endpoint
  readonly port: number
  readonly login: Login | undefined
  readonly user: string | undefined
  readonly database: string | undefined
  readonly authorities: string | undefined
  /** ` --installation NAME`, or nothing: what every command of the recipe needs. */
  readonly where: string
  /** The flags by which the login was chosen. */
  readonly how: string
  readonly showPassword: boolean
}

export function makeRecipe(parts: RecipeParts): Recipe {
  const { store, endpoint, port, login, authorities, where, how, showPassword } = parts
  const isPostgres = store.engine === 'postgres'
  const command = isPostgres ? 'pgctl psql' : 'pgctl redis'
  const hasPassword = login?.password !== undefined
  return {
    target: store.name,
    engine: store.engine,
    tunnel: `pgctl tunnel ${store.name}${where}`,
    address: '127.0.0.1',
    port,
    host: endpoint.host,
    hostPort: endpoint.port,
    database: isPostgres ? parts.database : undefined,
    user: parts.user,
    tls: isPostgres || store.encryptedInTransit === true,
    authorities,
    from: login?.from,
    passwordCommand: hasPassword
      ? `${command} ${store.name}${where}${how} --recipe --show-password`
      : undefined,
    password: showPassword ? login?.password : undefined,
    sharded: store.access?.sharded === true,
  }
}

/** The words by which clients on libpq connect: they take the address and the name apart. */
export function libpqWords(recipe: Recipe): string {
  const { host, address, port, database, user, authorities } = recipe
  const words = {
    host,
    hostaddr: address,
    port: String(port),
    dbname: database,
    user,
    sslmode: 'verify-full',
    sslrootcert: authorities ?? 'FILE',
  }
  return Object.entries(words)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${quoted(value)}`]))
    .join(' ')
}

/** As libpq reads a value that is more than one plain word. */
function quoted(value: string): string {
  return /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll(/['\\]/g, '\\$&')}'`
}
