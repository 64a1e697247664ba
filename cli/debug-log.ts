import { closeSync, openSync } from 'node:fs'
import { messageOf, PgctlError } from '#core/errors.ts'
import { type Logger, silentLogger } from '#core/logger.ts'

/** Field names whose values never reach a log, at any of the depths that our records have. */
const SECRET_FIELDS = [
  'token',
  'tokenValue',
  'TokenValue',
  'secretAccessKey',
  'sessionToken',
  'authorization',
  'password',
]

/**
 * The diagnostics of this run, from the flags as typed and the environment: pino to stderr with `--debug`, to a
 * file (0600, appended) with `--debug-file`, else nothing. It is made before flags are parsed, so that a failure of
 * parsing can be looked into, and pino is loaded only when somebody asked.
 */
export async function createLogger(argv: readonly string[], environment = process.env): Promise<Logger> {
  const file = flagValue(argv, '--debug-file') ?? environment['PGCTL_DEBUG_FILE']
  const wanted = beforeSeparator(argv).includes('--debug') || isOn(environment['PGCTL_DEBUG'])
  if (file === undefined && !wanted) return silentLogger
  const { default: pino } = await import('pino')
  if (file !== undefined) createFile(file)
  const logger: Logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ dest: file ?? 2, sync: true, mode: 0o600 }),
  )
  return logger
}

/** Made here, as pino would make it for everyone to read. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new PgctlError('usage', `cannot write diagnostics to ${path}`, {
      why: messageOf(error),
      next: 'name a file in a folder that is there, or use --debug for stderr',
      cause: error,
    })
  }
}

function beforeSeparator(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

function flagValue(argv: readonly string[], flag: string): string | undefined {
  const words = beforeSeparator(argv)
  const joined = words.find((word) => word.startsWith(`${flag}=`))
  if (joined !== undefined) return joined.slice(flag.length + 1)
  const at = words.indexOf(flag)
  return at === -1 ? undefined : words[at + 1]
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}
