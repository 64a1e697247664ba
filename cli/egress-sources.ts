import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readLogGroup } from '#core/aws/log-groups.ts'
import { getObject, type ListedObject, listObjects } from '#core/aws/objects.ts'
import type { Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'

/** Where logs of a network lie, and their texts. */

/** A text, and where it is from, for whoever must be told what is wrong with it. */
export interface LogText {
  readonly from: string
  readonly text: string
}

type Source =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string }
  | { readonly kind: 'group'; readonly name: string }

export function isRemote(words: string): boolean {
  return sourceOf(words).kind !== 'file'
}

function sourceOf(words: string): Source {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(words) ?? []
  if (bucket !== undefined) return { kind: 's3', bucket, prefix }
  const [, name] = /^cloudwatch:(.+)$/.exec(words) ?? []
  return name === undefined ? { kind: 'file', path: words } : { kind: 'group', name }
}

export interface SourceReader {
  /** Undefined where only files are read. */
  readonly connection: AwsConnection | undefined
  /** Of what is not a file, nothing older is read. */
  readonly since: Ms
  readonly signal: AbortSignal
}

/** Objects that are read at once, and in all: a day of a busy network's logs has some thousands. */
const AT_ONCE = 8
const MOST_OBJECTS = 20_000

/** The texts of a source, one after the other. @throws PgctlError for one that cannot be read, or holds nothing. */
export async function* readSource(words: string, reader: SourceReader): AsyncGenerator<LogText> {
  const source = sourceOf(words)
  const { connection, since, signal } = reader
  if (source.kind === 'file') {
    yield { from: source.path, text: await textOf(await readLocal(source.path)) }
    return
  }
  if (connection === undefined) throw new Error(`${words} needs a connection`)
  if (source.kind === 'group') {
    const lines = await readLogGroup(connection, source.name, since, signal)
    if (lines.length === 0) throw nothing(words, since)
    yield { from: words, text: lines.join('\n') }
    return
  }
  const place = { bucket: source.bucket, key: source.prefix }
  const found = (await listObjects(connection, place, signal)).filter(({ modified }) => modified >= since)
  if (found.length === 0) throw nothing(words, since)
  if (found.length > MOST_OBJECTS) throw tooMany(words, found.length)
  for (let at = 0; at < found.length; at += AT_ONCE)
    yield* await Promise.all(
      found.slice(at, at + AT_ONCE).map((each) => readObject(connection, each, signal)),
    )
}

async function readObject(
  connection: AwsConnection,
  { bucket, key }: ListedObject,
  signal: AbortSignal,
): Promise<LogText> {
  const content = await getObject(connection, { bucket, key }, signal)
  return { from: `s3://${bucket}/${key}`, text: await textOf(Buffer.from(content)) }
}

const GZIP_MARK = 0x1f8b

async function textOf(bytes: Buffer): Promise<string> {
  const isPacked = bytes.length > 2 && bytes.readUInt16BE(0) === GZIP_MARK
  return (isPacked ? await promisify(gunzip)(bytes) : bytes).toString('utf8')
}

async function readLocal(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new PgctlError('usage', `cannot read the log ${path}`, {
      why: messageOf(error),
      next: 'name a file of flow logs or resolver logs, s3://BUCKET/PREFIX, or cloudwatch:GROUP',
      cause: error,
    })
  }
}

function nothing(words: string, since: Ms): PgctlError {
  return new PgctlError('usage', `there is nothing in ${words}`, {
    why: `nothing was written there since ${new Date(since).toISOString()}`,
    next: 'name an earlier moment with --since, or another place',
  })
}

function tooMany(words: string, count: number): PgctlError {
  return new PgctlError('usage', `${words} holds too much to be read at once`, {
    why: `there are ${count} objects in it, and ${MOST_OBJECTS} are read at most`,
    next: 'name a longer prefix, as that of one day, or a later moment with --since',
  })
}
