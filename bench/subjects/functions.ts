import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deflateRawSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Bytes, Ms } from '#core/clock.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { Store } from '#core/store.ts'
import { type Ledger, openLedger } from '#core/vendor/ledger.ts'
import { childEnd, startChild } from '../children.ts'
import { quotients, takeTurns } from '../harness.ts'
import { milliseconds, round, spread } from '../results.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const ROUNDS = 25
/** What two functions of middy and pino alone came to, zipped. */
const PROTOTYPE: Bytes = 23_000
const [SHORT, LONG] = [10, 2_000]

/** The SDK's part of each function: what it sends to whom, and where credentials come from. */
const CLIENTS: Readonly<Record<string, string>> = {
  'license-verify': `
    export { DynamoDBClient, GetItemCommand, PutItemCommand, DeleteItemCommand, paginateScan } from '@aws-sdk/client-dynamodb'
    export { SSMClient, PutParameterCommand } from '@aws-sdk/client-ssm'
    export { SecretsManagerClient, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
    export { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'`,
  'ledger-checkpoint': `
    export { DynamoDBClient, GetItemCommand, PutItemCommand, DeleteItemCommand, paginateScan } from '@aws-sdk/client-dynamodb'
    export { KMSClient, SignCommand, GetPublicKeyCommand } from '@aws-sdk/client-kms'
    export { S3Client, PutObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
    export { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'`,
}

/** What the functions weigh, how long they take to be there, and what a row of the ledger costs. */
export const functions: Subject = {
  name: 'functions',
  title: 'Functions and the ledger',
  method:
    'Archives as `npm run stack` makes them, against a bundle of the SDK clients that each uses alone (deflated alike). ' +
    'A function begins when Node has loaded its module; an empty handler takes turns with it. The ledger is in files.',
  where: 'this computer',
  others: [],
  within: 180_000,
  async *measure({ cli, signal }: Bench): AsyncGenerator<Row, void> {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-bench-functions-'))
    try {
      const stack = join(folder, 'stack')
      await promisify(execFile)(process.execPath, ['bin/stack.ts', '--output', stack], { cwd: root, signal })
      for (const [name, source] of Object.entries(CLIENTS)) yield* sizes(folder, stack, name, source)
      yield* beginnings(folder, cli.environment, signal)
      yield* appends(folder, signal)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function* sizes(
  folder: string,
  stack: string,
  name: string,
  source: string,
): AsyncGenerator<Row, void> {
  const { size } = await stat(join(stack, `${name}.zip`))
  const sdk = await sizeOfClients(folder, source)
  const most = 3 * PROTOTYPE + sdk
  yield {
    figure: `archive of \`${name}\``,
    measured: `${round(size / 1000)} kB, of which the SDK's clients alone are ${round(sdk / 1000)} kB`,
    goal: { text: `≤ 3 × 23 kB and the clients: ${round(most / 1000)} kB`, met: size <= most },
  }
}

async function sizeOfClients(folder: string, contents: string): Promise<Bytes> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    legalComments: 'none',
    logLevel: 'error',
  })
  return outputFiles.reduce((sum, { contents: bytes }) => sum + deflateRawSync(bytes).length, 0)
}

async function* beginnings(
  folder: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): AsyncGenerator<Row, void> {
  const empty = join(folder, 'empty')
  await mkdir(empty)
  await writeFile(join(empty, 'package.json'), '{"type":"module"}\n')
  await writeFile(join(empty, 'index.js'), 'export const handler = async () => ({})\n')
  const loaded = (path: string) => () => timeOf(path, environment)
  const built = (name: string) => join(root, 'dist/functions', name, 'index.js')
  const times = await takeTurns(
    {
      empty: loaded(join(empty, 'index.js')),
      'license-verify': loaded(built('license-verify')),
      'ledger-checkpoint': loaded(built('ledger-checkpoint')),
    },
    { rounds: ROUNDS, within: 60_000, signal },
  )
  yield { figure: 'an empty handler is there', measured: milliseconds(times.empty) }
  for (const name of ['license-verify', 'ledger-checkpoint'] as const) {
    const ratio = quotients(times[name], times.empty)
    yield {
      figure: `\`${name}\` is there, its clients loaded`,
      measured: `${spread(ratio, '×')}, ${milliseconds(times[name])}`,
    }
  }
}

/** From the start of a Node process until it has loaded a function. */
async function timeOf(path: string, env: NodeJS.ProcessEnv): Promise<Ms> {
  const before = performance.now()
  const words = ['--input-type=module', '-e', `await import(${JSON.stringify(`file://${path}`)})`]
  const status = await childEnd(startChild(process.execPath, words, { env, stdio: 'ignore' }))
  if (status !== 0) throw new Error(`${path} ended with ${status}`)
  return performance.now() - before
}

async function* appends(folder: string, signal: AbortSignal): AsyncGenerator<Row, void> {
  const short = await ledgerOf(join(folder, 'short'), SHORT)
  const long = await ledgerOf(join(folder, 'long'), LONG)
  const [few, many] = [await short.callsOfOne(), await long.callsOfOne()]
  yield {
    figure: `calls of the store for one row, behind ${SHORT} and behind ${LONG}`,
    measured: `${few} and ${many}`,
    goal: { text: 'the same', met: few === many },
  }
  const times = await takeTurns(
    { short: () => short.timeOfOne(), long: () => long.timeOfOne() },
    { rounds: 200, within: 30_000, signal },
  )
  const ratio = quotients(times.long, times.short)
  yield {
    figure: `a row behind ${LONG}, by one behind ${SHORT}`,
    measured: `${spread(ratio, '×')}, ${milliseconds(times.long)}`,
    goal: atMost(1.2, ratio.median, ' ×'),
  }
}

interface MeasuredLedger {
  callsOfOne(): Promise<number>
  timeOfOne(): Promise<Ms>
}

async function ledgerOf(folder: string, rows: number): Promise<MeasuredLedger> {
  const files = createFileStore({ folder, clock: systemClock })
  let calls = 0
  const store: Store = {
    ...files,
    read: (key) => {
      calls++
      return files.read(key)
    },
    write: (...words) => {
      calls++
      return files.write(...words)
    },
  }
  const ledger = openLedger({
    store,
    installation: `ins-${'ab'.repeat(16)}`,
    clock: systemClock,
    random: systemRandom,
  })
  for (let row = 0; row < rows; row++) await append(ledger)
  return {
    async callsOfOne() {
      const before = calls
      await append(ledger)
      return calls - before
    },
    async timeOfOne() {
      const before = performance.now()
      await append(ledger)
      return performance.now() - before
    },
  }
}

function append(ledger: Ledger): Promise<number> {
  return ledger.append({ event: 'switch', kind: 'analytics', on: true, trigger: 'person' })
}
