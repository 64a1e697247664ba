/** The datastores behind the endpoints: what a client of each says on the wire, and what it is answered. */

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { type Authority, createAuthority } from '#sandbox/certificates.ts'
import { type Datastores, startDatastores } from '#sandbox/datastores/datastores.ts'
import { DATABASE_LOGIN } from '#sandbox/datastores/logins.ts'
import { type PostgresEngine, startPostgresEngine } from '#sandbox/datastores/postgres-engine.ts'
import { MessageReader, message } from '#sandbox/datastores/postgres-messages.ts'
import { configurationHost, databaseHost } from '#sandbox/worlds/datastores.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { ManualClock } from '../support/manual-clock.ts'

let authority: Authority
let datastores: Datastores
const clock = new ManualClock()

before(async () => {
  authority = await createAuthority()
  datastores = await startDatastores(GLOBEX, { authority, clock })
})
after(() => datastores[Symbol.asyncDispose]())

const portOf = (host: string): number => {
  const found = datastores.hosts.get(host)
  assert.ok(found, `${host} is a datastore`)
  return found.loopbackPort
}
const cacheHost = (id: string) => [...datastores.hosts.keys()].find((host) => host.startsWith(id)) ?? ''
const isThere = (program: string) => spawnSync(program, ['--version']).status === 0

it('every endpoint that is told has a listener, on the port that is told', () => {
  const ports = [...datastores.hosts.values()].map(({ port }) => port)
  assert.equal(ports.filter((port) => port === 5432).length, GLOBEX.databases.length)
  // Two of one node; two shards of two and one of two, each group with an endpoint of its own.
  assert.equal(ports.filter((port) => port === 6379).length, 2 + (4 + 1) + (2 + 1))
})

describe('Redis', { timeout: 30_000 }, () => {
  /** Sends one text and gives what comes back until `length` characters are there. */
  async function exchange(socket: Socket, text: string, length: number): Promise<string> {
    socket.write(text)
    let answer = ''
    while (answer.length < length) answer += String((await once(socket, 'data'))[0])
    return answer
  }

  const QUEUE = () => connect(portOf(cacheHost(`${GLOBEX.workspace}-redis-queue.`)), '127.0.0.1')

  it('answers as its own version does, one request after the other', async () => {
    const socket = QUEUE()
    const steps: ReadonlyArray<[string, string]> = [
      ['PING\r\n', '+PONG\r\n'],
      ['*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n\r\n\r\n', '+OK\r\n'],
      ['GET a\r\n', '$2\r\n\r\n\r\n'],
      ['SET b 1 EX 100\r\nTTL b\r\nTTL a\r\nTTL c\r\n', '+OK\r\n:100\r\n:-1\r\n:-2\r\n'],
      ['INCR b\r\nINCR a\r\n', ':2\r\n-ERR value is not an integer or out of range\r\n'],
      ['TYPE a\r\nTYPE c\r\nEXISTS a b c\r\n', '+string\r\n+none\r\n:2\r\n'],
      ['KEYS [ab]\r\n', '*2\r\n$1\r\na\r\n$1\r\nb\r\n'],
      ['SCAN 0 COUNT 1\r\n', '*2\r\n$1\r\n1\r\n*1\r\n$1\r\na\r\n'],
      ['SCAN 1 MATCH b*\r\n', '*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n'],
      ['SELECT 3\r\nGET a\r\nSELECT 99\r\n', '+OK\r\n$-1\r\n-ERR DB index is out of range\r\n'],
      ['SELECT 0\r\nDEL a b c\r\nDBSIZE\r\n', '+OK\r\n:2\r\n:0\r\n'],
      ['GET\r\n', "-ERR wrong number of arguments for 'get' command\r\n"],
      ['NONE x\r\n', "-ERR unknown command 'NONE', with args beginning with: 'x'\r\n"],
      ['HELLO 3\r\nGET a\r\n', '%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n'],
    ]
    for (const [asked, wanted] of steps) {
      const answer = await exchange(socket, asked, wanted.length)
      assert.equal(answer.slice(0, wanted.length), wanted, asked)
    }
    socket.destroy()
  })

  it('forgets keys when their time has come', async () => {
    const socket = QUEUE()
    assert.equal(await exchange(socket, 'SET short 1 PX 500\r\n', 5), '+OK\r\n')
    clock.advance(499)
    assert.equal(await exchange(socket, 'GET short\r\n', 7), '$1\r\n1\r\n')
    clock.advance(1)
    assert.equal(await exchange(socket, 'GET short\r\n', 5), '$-1\r\n')
    socket.destroy()
  })

  it('ends a connection that speaks another protocol, and says why', async () => {
    const socket = QUEUE()
    assert.match(await exchange(socket, '*1\r\n+x\r\n', 10), /^-ERR Protocol error: expected '\$', got '\+'/)
    await once(socket, 'close')
  })

  it('is spoken to by TLS where the endpoint says so, under its own name', async () => {
    const [, , group] = GLOBEX.caches
    const host = configurationHost(GLOBEX, group)
    const socket = connectTls({
      host: '127.0.0.1',
      port: portOf(host),
      servername: host,
      ca: authority.certificate,
    })
    await once(socket, 'secureConnect')
    assert.equal(await exchange(socket, 'SELECT 1\r\n', 20), '-ERR SELECT is not allowed in cluster mode\r\n')
    const info = await exchange(socket, 'INFO cluster\r\n', 20)
    assert.match(info, /cluster_enabled:1/)
    socket.destroy()
  })

  it('serves redis-cli', { skip: !isThere('redis-cli') && 'needs redis-cli' }, async () => {
    const port = String(portOf(cacheHost(`${GLOBEX.workspace}-redis-system.`)))
    const run = async (...words: string[]) => {
      const { stdout } = await promisify(execFile)('redis-cli', ['-p', port, ...words])
      return stdout.trim()
    }
    assert.equal(await run('SET', 'from', 'redis-cli'), 'OK')
    assert.equal(await run('-3', 'GET', 'from'), 'redis-cli')
    assert.match(await run('INFO', 'server'), /redis_version:7\.1\.0/)
    assert.equal(await run('--scan', '--pattern', 'fr*'), 'from')
  })
})

it('a computer without Postgres is told what it lacks', async () => {
  await assert.rejects(startPostgresEngine('pgctl-no-such-package'), {
    message: 'the sandbox has databases only where the package pgctl-no-such-package is installed',
  })
})

// Making a cluster takes two seconds of a processor, and as many more as there are others who want one.
const MAKING_A_CLUSTER = 170_000

describe('the Postgres behind', { timeout: MAKING_A_CLUSTER }, () => {
  let engine: PostgresEngine
  before(async () => {
    engine = await startPostgresEngine()
  })
  after(() => engine?.[Symbol.asyncDispose]())

  /** The types of the messages of an answer. */
  const typesOf = (answer: Uint8Array): string => {
    const reader = new MessageReader()
    reader.push(Buffer.from(answer))
    let types = ''
    for (let found = reader.next(); found !== undefined; found = reader.next()) types += found.type
    return types
  }

  it('takes prepared statements, and passes over what follows an error until the next Sync', async () => {
    const steps: ReadonlyArray<[type: string, payload: string, answer: RegExp]> = [
      ['P', '\0select $1::int + 1\0\0\0', /^1$/],
      ['B', '\0\0\0\0\0\x01\0\0\0\x0241\0\0', /^2$/],
      ['E', '\0\0\0\0\0', /^DC$/],
      ['S', '', /Z$/],
      ['P', '\0selec\0\0\0', /^E$/],
      ['E', '\0\0\0\0\0', /^$/],
      ['S', '', /Z$/],
      ['Q', 'select 1\0', /^TDCS*Z$/],
    ]
    for (const [type, payload, answer] of steps)
      assert.match(typesOf(await engine.exchange(message(type, payload))), answer, `${type} ${payload}`)
  })

  it('says that it has ended when it has, to who asks then and later', async () => {
    await assert.rejects(engine.exchange(message('Q', 'create table t(); copy t from stdin\0')), /has ended/)
    assert.equal(engine.hasEnded, true)
    await assert.rejects(engine.exchange(message('Q', 'select 1\0')), /has ended/)
  })
})

describe('Postgres', { timeout: MAKING_A_CLUSTER, skip: !isThere('psql') && 'needs psql' }, () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-psql-'))
    await writeFile(join(folder, 'ca.pem'), authority.certificate)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const psql = (database: string, sql: string, change: Record<string, string> = {}) => {
    const host = databaseHost(GLOBEX, { id: `${GLOBEX.workspace}-${database}` })
    const connection = {
      host,
      hostaddr: '127.0.0.1',
      port: portOf(host),
      user: DATABASE_LOGIN.user,
      dbname: DATABASE_LOGIN.database,
      sslmode: 'verify-full',
      sslrootcert: join(folder, 'ca.pem'),
      ...change,
    }
    const words = Object.entries(connection).map(([name, value]) => `${name}=${value}`)
    return promisify(execFile)(
      'psql',
      ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', sql, words.join(' ')],
      {
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          PGPASSWORD: change['password'] ?? DATABASE_LOGIN.password,
        },
      },
    )
  }
  const told = async (run: Promise<unknown>) => {
    const error = (await run.then(
      () => assert.fail('psql was expected to fail'),
      (reason) => reason,
    )) as { stderr: string }
    return error.stderr
  }

  it('is a real one, by TLS under its own name, with a password', async () => {
    const { stdout } = await psql(
      'zeus',
      'create table t as select generate_series(1, 3) n; select sum(n) from t',
    )
    assert.equal(stdout.trim().split('\n').at(-1), '6')
    assert.equal((await psql('zeus', 'show server_version')).stdout.trim(), '18.6')
  })

  it('keeps what was written, each database its own', async () => {
    assert.equal((await psql('zeus', 'select count(*) from t')).stdout.trim(), '3')
    assert.match(await told(psql('hermes', 'select * from t')), /relation "t" does not exist/)
  })

  it('runs one transaction after the other, and takes back what a client left open', async () => {
    const runs = await Promise.all(
      [1, 2, 3].map(() =>
        psql('zeus', 'begin; update t set n = n + 1; select pg_sleep(0.05); commit; select min(n) from t'),
      ),
    )
    assert.deepEqual(runs.map(({ stdout }) => stdout.trim().split('\n').at(-1)).sort(), ['2', '3', '4'])
    assert.match(await told(psql('zeus', 'begin; delete from t; select 1/0')), /division by zero/)
    assert.equal((await psql('zeus', 'select count(*) from t')).stdout.trim(), '3')
  })

  it('refuses as RDS does: no TLS, a wrong password, another user, another database', async () => {
    const ROWS: ReadonlyArray<[Record<string, string>, RegExp]> = [
      [
        { sslmode: 'disable' },
        /no pg_hba.conf entry for host "10\.20\.16\.14", user "postgres", .*no encryption/,
      ],
      [{ password: 'wrong' }, /password authentication failed for user "postgres"/],
      [{ user: 'admin' }, /password authentication failed for user "admin"/],
      [{ dbname: 'other' }, /database "other" does not exist/],
    ]
    for (const [change, wanted] of ROWS) assert.match(await told(psql('zeus', 'select 1', change)), wanted)
  })

  it('says what it cannot do, and goes on', async () => {
    assert.match(await told(psql('zeus', 'copy t from stdin')), /the sandbox takes no COPY from a client/)
    assert.equal((await psql('zeus', 'copy (select 1) to stdout')).stdout.trim(), '1')
  })
})
