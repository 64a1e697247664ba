import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { rehearse } from '#core/snapshots/io/rehearsal/rehearse.ts'
import type { RehearsalRequest } from '#core/snapshots/io/rehearsal/request.ts'
import type { RehearsalReport } from '#core/snapshots/rehearsal/report.ts'
import { eventually } from '../support/eventually.ts'
import { type MadeDumps, makeDumps } from '../support/made-dumps.ts'
import { describeWith } from '../support/peers.ts'
import { CliProcess } from '../support/sandbox-cli.ts'

/** Dumps restored into engines that run for real, and what is left of them afterwards: nothing. */

const PASSWORD = 'a-password-of-one-rehearsal'

function request(more: Partial<RehearsalRequest>): RehearsalRequest {
  return {
    ...{ postgres: [], redis: [], point: undefined, apart: 3_600_000, queries: [], commands: [] },
    ...{ expectations: { rows: new Map(), keys: 0 }, path: process.env['PATH'] ?? '', password: PASSWORD },
    ...{ clock: systemClock, onProgress: () => {}, signal: new AbortController().signal, ...more },
  }
}

const failures = ({ checks }: RehearsalReport) =>
  checks.filter(({ passed }) => !passed).map(({ says }) => says)

describeWith(['postgres', 'redis-server'], 'a rehearsal', { timeout: 180_000 }, () => {
  let dumps: MadeDumps
  let scratch: string

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'pgctl-test-'))
    dumps = await makeDumps()
  })
  after(async () => {
    await dumps?.[Symbol.asyncDispose]()
    await rm(scratch, { recursive: true, force: true })
  })

  /** The first bytes of a file, as a transfer that broke off leaves it. */
  const cut = async (file: string, share: number) => {
    const whole = await readFile(file)
    const path = join(scratch, `cut-${share}-${file.split('/').at(-1)}`)
    await writeFile(path, whole.subarray(0, Math.floor(whole.length * share)))
    return path
  }

  describe('of Postgres', () => {
    for (const format of ['custom', 'tar', 'plain', 'packed'] as const)
      it(`restores a dump of format ${format}, and counts its rows`, async () => {
        const report = await rehearse(request({ postgres: [dumps[format]] }))
        assert.deepEqual(failures(report), [])
        assert.deepEqual(report.engines[0]?.tables.map(({ table, rows }) => [table, rows]).sort(), [
          ['public.Odd "name', 0],
          ['public.users', 1500],
        ])
      })

    it('restores all databases of a cluster, and takes away the passwords that came with it', async () => {
      const hashes = "select count(*) = 0 from pg_roles where rolname = 'paragon' and not rolcanlogin"
      const open = "select string_agg(rolname, ',') from pg_authid where rolpassword is not null"
      const report = await rehearse(request({ postgres: [dumps.all], queries: [hashes, open] }))
      assert.deepEqual(failures(report), [])
      assert.match(report.checks.at(-1)?.says ?? '', / says pgctl_rehearsal$/)
      assert.equal(report.engines[0]?.tables.find(({ rows }) => rows === 1500)?.database, 'hermes')
    })

    it("asks a query of one's own, and fails what is false, nothing or no query", async () => {
      const queries = [
        'select count(*) > 1000 from users',
        'select false',
        'select 1 where false',
        'select from nowhere',
        'delete from users returning 1',
      ]
      const report = await rehearse(request({ postgres: [dumps.custom], queries }))
      const failed = failures(report)
      assert.equal(failed.length, 4)
      assert.match(failed[2] ?? '', /relation "nowhere" does not exist/)
      assert.match(failed[3] ?? '', /read-only transaction/)
    })

    it('fails what has fewer rows than it should, and a table that is not there', async () => {
      const rows = new Map([
        ['users', 1501],
        ['public.users', 1500],
        ['jobs', 1],
      ])
      const report = await rehearse(request({ postgres: [dumps.custom], expectations: { rows, keys: 0 } }))
      assert.deepEqual(failures(report), ['users has 1500 rows, of at least 1501', 'there is no table jobs'])
    })

    for (const [format, share] of [
      ['custom', 0.6],
      ['tar', 0.4],
      ['plain', 0.5],
      ['plain', 0.98],
    ] as const)
      it(`fails a dump of format ${format} of which the last ${Math.round((1 - share) * 100)}% are missing`, async () => {
        const report = await rehearse(request({ postgres: [await cut(dumps[format], share)] }))
        assert.notDeepEqual(failures(report), [])
      })
  })

  describe('of Redis', () => {
    it('loads an RDB, and counts its keys by database', async () => {
      const report = await rehearse(request({ redis: [dumps.rdb], commands: ['LLEN bull:jobs:wait'] }))
      assert.deepEqual(failures(report), [])
      const [engine] = report.engines
      assert.deepEqual(engine?.keys, [
        { database: 'db0', keys: 2, expires: 0 },
        { database: 'db3', keys: 1, expires: 0 },
      ])
      assert.equal(engine?.expired, 1)
    })

    it('fails what has fewer keys than it should, and a command that says nothing', async () => {
      const expectations = { rows: new Map(), keys: 4 }
      const commands = ['GET nobody', 'LLEN kept']
      const failed = failures(await rehearse(request({ redis: [dumps.rdb], expectations, commands })))
      assert.equal(failed.length, 3)
      assert.match(failed[0] ?? '', /^3 keys .* of at least 4$/)
      assert.match(failed[2] ?? '', /WRONGTYPE/)
    })

    it('fails an RDB that is cut off, and one that was changed', async () => {
      const whole = await readFile(dumps.rdb)
      const changed = join(scratch, 'changed.rdb')
      const at = whole.indexOf('kept')
      await writeFile(changed, whole.with(at, whole[at] === 0x6b ? 0x6c : 0x6b))
      for (const file of [await cut(dumps.rdb, 0.7), changed]) {
        const [failed, ...more] = failures(await rehearse(request({ redis: [file] })))
        assert.match(failed ?? '', /^Redis does not load it: /)
        assert.deepEqual(more, [])
      }
    })
  })

  it('a dump of another time is not of the point', async () => {
    const now = systemClock.now().wall
    const files = { postgres: [dumps.custom], redis: [dumps.rdb] }
    const of = (takenAt: number) => rehearse(request({ ...files, point: { id: 'pt-1', takenAt } }))
    assert.deepEqual(failures(await of(now)), [])
    assert.deepEqual(
      failures(await of(now - 86_400_000)).map((says) => says.replace(/\d+/, 'N')),
      ['it was made N min from pt-1', 'it was made N min from pt-1'],
    )
  })

  for (const [what, wishes, code] of [
    ['a file that is no dump of Postgres', () => ({ postgres: [dumps.rdb] }), 'usage'],
    ['a file that is no RDB', () => ({ redis: [dumps.plain] }), 'usage'],
    ['a file that is not there', () => ({ redis: [join(scratch, 'nobody')] }), 'usage'],
    ['a computer without Redis', () => ({ redis: [dumps.rdb], path: scratch }), 'not-supported'],
  ] as const)
    it(`refuses ${what}, and says what to do`, async () => {
      await assert.rejects(
        rehearse(request(wishes())),
        (error) => isPgctlError(error, code) && error.next !== undefined,
      )
    })

  describe('leaves nothing', () => {
    let place: string
    /** Long enough to be met in the middle: Postgres sleeps. */
    const start = async () => {
      place = await mkdtemp(join(tmpdir(), 'p-'))
      await chmod(place, 0o755)
      const words = ['snapshots', 'rehearse', '--postgres', dumps.custom, '--query', 'select pg_sleep(60)']
      const environment = { PATH: process.env['PATH'], HOME: place, TMPDIR: place }
      const command = new CliProcess([...words, '--redis', dumps.rdb], environment, place)
      await eventually(() => isAsleep(place))
      return command
    }

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)
      it(`after ${signal}`, async () => {
        await using command = await start()
        process.kill(command.pid, signal)
        await command.outcome
        await eventually(() => readdirSync(place).every((name) => !name.startsWith('pgctl-rehearsal-')))
        await eventually(() => programs(place).length === 0)
        await rm(place, { recursive: true, force: true })
      })

    it('and nobody else may look in meanwhile; no password is in an argument, and nothing listens', async () => {
      await using command = await start()
      const folder = join(
        place,
        readdirSync(place).find((name) => name.startsWith('pgctl-rehearsal-')) ?? '-',
      )
      assert.equal((await stat(folder)).mode & 0o777, 0o700)
      const secret = (await readFile(join(folder, 'postgres-0', 'secret'), 'utf8')).trim()
      assert.ok(secret.length >= 32)
      const words = programs(place).join('\n')
      assert.ok(words.includes('listen_addresses='), words)
      assert.ok(!words.includes(secret))
      process.kill(command.pid, 'SIGINT')
      const { stdout, stderr, status } = await command.outcome
      assert.equal(status, 130)
      assert.ok(!`${stdout}${stderr}`.includes(secret))
      await rm(place, { recursive: true, force: true })
    })
  })

  it('a folder for temporary files with too long a name is refused before anything starts', async () => {
    const long = join(scratch, 'x'.repeat(90))
    await mkdir(long)
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = long
    try {
      await assert.rejects(rehearse(request({ redis: [dumps.rdb] })), /too long a name/)
      assert.deepEqual(readdirSync(long), [])
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
  })

  it('a folder for temporary files that is for root alone is refused, as the engines are not root', async (test) => {
    if (process.getuid?.() !== 0) return test.skip('needs root')
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = scratch
    try {
      await assert.rejects(rehearse(request({ redis: [dumps.rdb] })), /nobody but root may enter/)
      assert.deepEqual(
        readdirSync(scratch).filter((name) => name.startsWith('pgctl-rehearsal-')),
        [],
      )
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
  })

  it('an empty file is no dump', async () => {
    const empty = join(scratch, 'empty')
    await (await open(empty, 'w')).close()
    await assert.rejects(rehearse(request({ postgres: [empty] })), (error) => isPgctlError(error, 'usage'))
  })
})

/** The command lines of all processes that name the folder; Linux tells them. */
function programs(folder: string): string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return words.includes(`${folder}/pgctl-rehearsal-`) ? [words] : []
    } catch {
      return []
    }
  })
}

/** Whether the query of the test runs: its client waits for the answer. */
function isAsleep(folder: string): boolean {
  return programs(folder).some((words) => /psql .*dbname=rehearsal/.test(words))
}
