import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WORLD } from '#sandbox/world.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { type PeerOutcome, runPeer } from './peer-process.ts'
import { programOf } from './peers.ts'

/** What the helper program of `aws ssm start-session` was started with. */
export interface RecordedPlugin {
  readonly argv: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/** The AWS CLI of a person with a home of their own, two profiles in it, and a recorder in place of the session plugin. */
export interface AwsCli extends AsyncDisposable {
  /** Runs one command, as the operator or in the second installation, whose account is entered by a role. */
  run(words: readonly string[], account?: 'acme' | 'globex'): Promise<PeerOutcome>
  /** As `run`, and the parsed JSON of its answer. @throws Error when it fails. */
  ask(words: readonly string[], account?: 'acme' | 'globex'): Promise<unknown>
  /** Puts base64 into a file and names it in the CLI's way of giving it bytes. */
  bytes(base64: string): Promise<string>
  /** Runs `aws ssm start-session`; what the session plugin was started with. @throws Error when it was not. */
  startSession(words: readonly string[]): Promise<RecordedPlugin>
}

/** How the CLI asks for one operation, and what it must find in the answer. */
export interface AwsCliRow {
  /** Without `--query`, which picks what is compared. */
  readonly words: readonly string[] | ((cli: AwsCli) => Promise<readonly string[]>)
  readonly query: string
  readonly want: unknown
  /** The second installation, where the first has nothing of the kind. */
  readonly account?: 'globex'
}

/** A version from which on the CLI hands the answer over in the environment, out of sight of other users. */
const PLUGIN_VERSION = '1.2.764.0'

const RECORDER = `#!${process.execPath}
const { writeFileSync } = require('node:fs')
const argv = process.argv.slice(2)
if (argv[0] === '--version') console.log('${PLUGIN_VERSION}')
else writeFileSync(process.env.RECORD, JSON.stringify({ argv, environment: process.env }), { mode: 0o600 })
`

export async function createAwsCli(
  endpoint: string,
  key: { readonly accessKeyId: string; readonly secretAccessKey: string },
): Promise<AwsCli> {
  const home = await mkdtemp(join(tmpdir(), 'pgctl-aws-'))
  const bin = join(home, 'bin')
  const config = join(home, 'config')
  let records = 0
  await mkdir(bin)
  await writeFile(join(bin, 'session-manager-plugin'), RECORDER, { mode: 0o755 })
  await writeFile(
    config,
    `[profile acme]
aws_access_key_id = ${key.accessKeyId}
aws_secret_access_key = ${key.secretAccessKey}
region = ${WORLD.region}

[profile globex]
role_arn = ${GLOBEX.role.arn}
external_id = ${GLOBEX.role.externalId}
source_profile = acme
region = ${GLOBEX.region}
`,
    { mode: 0o600 },
  )
  const environment = {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: home,
    AWS_CONFIG_FILE: config,
    AWS_ENDPOINT_URL: endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  }
  const run = (words: readonly string[], account: 'acme' | 'globex' = 'acme', more: object = {}) =>
    runPeer(
      programOf('aws'),
      // RDS in us-east-1 is asked at an endpoint of the CLI's own, whatever the environment says.
      [...words, '--profile', account, '--output', 'json', '--endpoint-url', endpoint],
      { environment: { ...environment, ...more } },
    )
  const answerOf = ({ status, stdout, stderr }: PeerOutcome, words: readonly string[]): unknown => {
    if (status !== 0) throw new Error(`aws ${words.join(' ')}: ${stderr.trim()}`)
    return stdout.trim() === '' ? undefined : JSON.parse(stdout)
  }
  return {
    run: (words, account) => run(words, account),
    ask: async (words, account) => answerOf(await run(words, account), words),
    async bytes(base64) {
      const path = join(home, `blob-${++records}`)
      await writeFile(path, Buffer.from(base64, 'base64'), { mode: 0o600 })
      return `fileb://${path}`
    },
    async startSession(words) {
      const record = join(home, `record-${++records}.json`)
      const all = ['ssm', 'start-session', ...words]
      answerOf(await run(all, 'acme', { RECORD: record }), all)
      return JSON.parse(await readFile(record, 'utf8')) as RecordedPlugin
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  }
}
