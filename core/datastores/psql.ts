/** How psql, and any other client on libpq, is led through a tunnel to the database it believes to speak to. */

/** A client's environment, as `process.env` has one. */
type Environment = Readonly<Record<string, string | undefined>>

export interface PsqlConnection {
  /** The database's real name: the certificate must bear it. */
  readonly host: string
  /** Where the tunnel listens. */
  readonly address: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** PEM of the authorities that may have signed the certificate. */
  readonly authoritiesFile: string
  /** Undefined where the client is to ask for the password. */
  readonly passwordFile: string | undefined
  /** Only for a client that cannot read it from a file. Secret. */
  readonly password?: string | undefined
  readonly write: boolean
}

/** What decides where a client of libpq connects, and as whom; somebody's own would lead it astray. */
const LEADING = new Set([
  ...['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGPASSWORD', 'PGPASSFILE', 'PGSERVICE'],
  ...['PGSERVICEFILE', 'PGSYSCONFDIR', 'PGREQUIRESSL', 'PGSSLMODE', 'PGSSLROOTCERT', 'PGSSLCERT', 'PGSSLKEY'],
  ...['PGSSLCRL', 'PGSSLCRLDIR', 'PGSSLSNI', 'PGSSLNEGOTIATION', 'PGREQUIREAUTH', 'PGREQUIREPEER'],
  ...['PGCHANNELBINDING', 'PGGSSENCMODE', 'PGTARGETSESSIONATTRS', 'PGLOADBALANCEHOSTS'],
])

/** A database session that takes no writes unless it asks for them: a guard against slips, and no right. */
const READ_ONLY = '-c default_transaction_read_only=on'

/**
 * The environment of the client: `own` with all that leads it. libpq connects to the address and checks the
 * certificate against the name.
 */
export function psqlEnvironment(own: Environment, connection: PsqlConnection): Record<string, string> {
  const kept = Object.entries(own).flatMap(([name, value]) =>
    value === undefined || LEADING.has(name) ? [] : [[name, value] as const],
  )
  // The last word wins, and that is the guard's.
  const options = [own['PGOPTIONS'] || undefined, connection.write ? undefined : READ_ONLY]
  const given: Readonly<Record<string, string | undefined>> = {
    PGHOST: connection.host,
    PGHOSTADDR: connection.address,
    PGPORT: String(connection.port),
    PGUSER: connection.user,
    PGDATABASE: connection.database,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: connection.authoritiesFile,
    // A tunnel carries one kind of encryption; asking for the other costs a round trip.
    PGGSSENCMODE: 'disable',
    PGPASSFILE: connection.passwordFile,
    PGPASSWORD: connection.password,
    PGOPTIONS: options.filter((option) => option !== undefined).join(' ') || undefined,
    PGAPPNAME: own['PGAPPNAME'] ?? 'pgctl',
  }
  return Object.fromEntries([
    ...kept.filter(([name]) => name !== 'PGOPTIONS'),
    ...Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  ])
}

/** The line of a password file: for this server and this user alone, whatever database of it. */
export function passwordLine(
  { host, port, user }: Pick<PsqlConnection, 'host' | 'port' | 'user'>,
  password: string,
): string {
  return `${[host, String(port), '*', user, password].map((field, i) => (i === 2 ? field : escaped(field))).join(':')}\n`
}

function escaped(field: string): string {
  return field.replaceAll(/[\\:]/g, '\\$&')
}

/** Lines longer than this are lost on clients before version 14. */
const LONGEST_OLD_LINE = 319

/** Whether a client of this version reads the line from a file; one whose version is not known is taken for old. */
export function readsPasswordLine(line: string, majorVersion: number | undefined): boolean {
  return line.length <= LONGEST_OLD_LINE || (majorVersion ?? 0) >= 14
}
