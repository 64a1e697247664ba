import { constants, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { runProgram, Server } from '#core/snapshots/io/rehearsal/program-run.ts'
import { findRedis } from '#core/snapshots/io/rehearsal/programs.ts'
import type { EngineRehearsal, RehearsalTools } from '#core/snapshots/io/rehearsal/request.ts'
import { readSource } from '#core/snapshots/io/rehearsal/source-file.ts'
import type { Workshop } from '#core/snapshots/io/rehearsal/workshop.ts'
import { RDB_HEAD, readRdbHeader } from '#core/snapshots/rehearsal/rdb-header.ts'
import {
  type EngineReport,
  keyChecks,
  queryCheck,
  type RehearsalCheck,
} from '#core/snapshots/rehearsal/report.ts'

/** Lets a Redis of its own load an RDB, and looks at what came of it. */
export async function rehearseRedis(
  file: string,
  workshop: Workshop,
  name: string,
  tools: RehearsalTools,
): Promise<EngineRehearsal> {
  const { clock, path, password, expectations, commands, signal } = tools
  const source = await readSource(file, RDB_HEAD, signal)
  const header = readRdbHeader(source.head)
  if (header === undefined)
    throw new PgctlError('usage', `${file} is no dump of Redis`, {
      why: 'it does not begin with REDIS and a version, as an RDB does',
      next: 'make one with `redis-cli --rdb FILE`, or export a backup of ElastiCache to a bucket',
    })
  const programs = await findRedis(path)
  const folder = await workshop.makeFolder(name)
  const copy = join(folder, 'dump.rdb')
  await copyFile(file, copy, constants.COPYFILE_FICLONE)
  await workshop.give(copy)
  const started = clock.now().mono
  await using engine = await RedisEngine.start(workshop, programs, folder, password, clock, signal)
  if (engine.fault !== undefined) {
    const failed = { file, passed: false, says: `Redis does not load it: ${engine.fault}` }
    return { report: reportOf('', [], undefined), checks: [failed], madeAt: header.madeAt }
  }
  const restoredIn = clock.now().mono - started
  const [version = '', ...keyspace] = await engine.inform()
  const keys = keyspace.flatMap((line) => {
    const [, database, count, expires] = /^(db\d+):keys=(\d+),expires=(\d+)/.exec(line) ?? []
    return database === undefined ? [] : [{ database, keys: Number(count), expires: Number(expires) }]
  })
  const checks: RehearsalCheck[] = [
    { file, passed: true, says: `Redis ${version} started and loaded it` },
    ...keyChecks(file, keys, expectations.keys),
  ]
  for (const command of commands) {
    const said = await engine.ask([command])
    const [first = ''] = said
    const isError = /^(ERR|WRONGTYPE|NOPERM|[A-Z]+ERR) /.test(first)
    checks.push(
      isError
        ? { file, passed: false, says: `${command.slice(0, 200)} fails: ${first.slice(0, 200)}` }
        : queryCheck(file, command, said),
    )
  }
  const expired = /keys expired: (\d+)/.exec(engine.said)?.[1]
  return {
    report: { ...reportOf(version, keys, expired === undefined ? undefined : Number(expired)), restoredIn },
    checks,
    madeAt: header.madeAt,
  }

  function reportOf(version: string, keys: EngineReport['keys'], expired: number | undefined): EngineReport {
    const madeAt = header?.madeAt === undefined ? undefined : new Date(header.madeAt).toISOString()
    return {
      ...{ engine: 'redis', file, bytes: source.bytes, sha256: source.sha256, version, restoredIn: 0 },
      ...{ fileVersion: header?.redisVersion, madeAt, tables: [], keys, expired },
    }
  }
}

class RedisEngine implements AsyncDisposable {
  readonly #workshop: Workshop
  readonly #client: string
  readonly #socket: string
  readonly #password: string
  readonly #server: Server
  readonly #signal: AbortSignal
  /** Why it did not come up; undefined where it did. */
  fault: string | undefined

  private constructor(
    workshop: Workshop,
    programs: string,
    socket: string,
    password: string,
    server: Server,
    signal: AbortSignal,
  ) {
    this.#workshop = workshop
    this.#client = join(programs, 'redis-cli')
    this.#socket = socket
    this.#password = password
    this.#server = server
    this.#signal = signal
  }

  /** It has this password from its first moment, listens on no port, and writes nothing. */
  static async start(
    workshop: Workshop,
    programs: string,
    folder: string,
    password: string,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<RedisEngine> {
    const [settings, socket] = [join(folder, 'redis.conf'), join(folder, 'socket')]
    const lines = [
      ...[`requirepass ${password}`, 'port 0', `unixsocket "${socket}"`, 'unixsocketperm 700'],
      ...[`dir "${folder}"`, 'dbfilename dump.rdb', 'save ""', 'appendonly no', 'loglevel notice'],
      ...[`pidfile "${join(folder, 'redis.pid')}"`, 'logfile ""', 'daemonize no'],
    ]
    await workshop.write(settings, `${lines.join('\n')}\n`)
    const server = new Server(workshop.start(join(programs, 'redis-server'), [settings]))
    const engine = new RedisEngine(workshop, programs, socket, password, server, signal)
    try {
      while ((await engine.ask(['PING']))[0] !== 'PONG') {
        if (server.hasEnded) {
          engine.fault = server.complaint
          return engine
        }
        await sleep(clock, 50, signal)
      }
    } catch (error) {
      await server.stop('SIGTERM')
      throw error
    }
    return engine
  }

  get said(): string {
    return this.#server.said
  }

  /** The version, then a line a database. */
  async inform(): Promise<string[]> {
    const said = await this.ask(['INFO server', 'INFO keyspace'])
    const version =
      said.find((line) => line.startsWith('redis_version:'))?.slice('redis_version:'.length) ?? ''
    return [version, ...said.filter((line) => /^db\d+:/.test(line))]
  }

  /** What it says to commands, by lines. The password goes the way of the commands: it stands in no argument. */
  async ask(commands: readonly string[]): Promise<string[]> {
    const child = this.#workshop.start(this.#client, ['-s', this.#socket])
    const { output } = await runProgram(
      child,
      `${[`AUTH ${this.#password}`, ...commands].join('\n')}\n`,
      this.#signal,
    )
    const said = output.split(/\r?\n/).filter((line) => line !== '')
    return said[0] === 'OK' ? said.slice(1) : said
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop('SIGTERM')
  }
}
