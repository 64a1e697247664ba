import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readDumpHeader, roleIn } from '#core/snapshots/rehearsal/dump-header.ts'
import { readRdbHeader } from '#core/snapshots/rehearsal/rdb-header.ts'
import { ageCheck, keyChecks, parseRowWish, queryCheck, rowChecks } from '#core/snapshots/rehearsal/report.ts'

/** Archives as pg_dump lays them out, and the first bytes of an RDB that redis-server 7.0.15 wrote. */
const int = (value: number) => {
  const bytes = Buffer.alloc(5)
  bytes[0] = value < 0 ? 1 : 0
  bytes.writeUInt32LE(Math.abs(value), 1)
  return bytes
}
const text = (value: string) => Buffer.concat([int(value.length), Buffer.from(value)])
const archive = (version: readonly [number, number], compression: Buffer) =>
  Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([...version, 0, 4, 8, 1]),
    compression,
    ...[44, 8, 1, 26, 10, 126, 0].map(int),
    ...[text('hermes'), text('15.18 (Debian 15.18-0+deb12u1)'), text('15.18')],
    Buffer.from('the table of contents'),
  ])
const RDB = Buffer.from(
  '524544495330303130fa0972656469732d76657206372e302e3135fa0a72656469732d62697473c040fa056374696d65c29d86076bfa08757365642d6d656dc270170f00fa08616f662d62617365c000fe00fb0301',
  'hex',
)

describe('readDumpHeader', () => {
  for (const [what, bytes] of [
    ['before 1.15, with a level of compression', archive([1, 14], int(-1))],
    ['from 1.15 on, with its algorithm', archive([1, 16], Buffer.from([1]))],
  ] as const)
    it(`reads the date and the version of an archive ${what}`, () => {
      assert.deepEqual(readDumpHeader(bytes), {
        ...{ format: 'custom', madeAt: '2026-11-26T01:08:44', serverVersion: '15.18' },
      })
    })

  it('knows SQL, packed SQL and a tar, and what is none of them', () => {
    const sql = '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.18 (Debian)\n'
    const tar = Buffer.alloc(512)
    tar.write('toc.dat', 0)
    tar.write('ustar', 257)
    const other = Buffer.from(tar)
    other.write('readme\0', 0)
    assert.deepEqual(readDumpHeader(Buffer.from(sql)), {
      ...{ format: 'plain', madeAt: undefined, serverVersion: '15.18' },
    })
    assert.equal(readDumpHeader(Buffer.from([0x1f, 0x8b, 8]))?.format, 'gzip')
    assert.equal(readDumpHeader(tar)?.format, 'tar')
    for (const none of [Buffer.alloc(0), RDB, Buffer.from('hello'), other, Buffer.from('PGDMP\x01\x0e\x00')])
      assert.equal(readDumpHeader(none), undefined)
  })

  it('takes any bytes, and every beginning of a good one', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void readDumpHeader(bytes)))
    const good = archive([1, 14], int(-1))
    const header = good.length - 'the table of contents'.length - text('15.18').length
    for (let end = 0; end < good.length; end++)
      assert.equal(readDumpHeader(good.subarray(0, end)) !== undefined, end >= header, `${end} bytes`)
  })
})

describe('roleIn', () => {
  for (const [line, want] of [
    ['ALTER TABLE public.users OWNER TO paragon;', { name: 'paragon', made: false }],
    ['ALTER TABLE public.users OWNER TO "Odd ""name";', { name: '"Odd ""name"', made: false }],
    ['GRANT SELECT ON TABLE public.users TO reader;', { name: 'reader', made: false }],
    ['REVOKE ALL ON SCHEMA public FROM PUBLIC;', undefined],
    [
      'ALTER DEFAULT PRIVILEGES FOR ROLE paragon IN SCHEMA public GRANT SELECT ON TABLES TO x;',
      { name: 'paragon', made: false },
    ],
    ['CREATE ROLE paragon;', { name: 'paragon', made: true }],
    ['1\tOWNER TO somebody', undefined],
  ] as const)
    it(line, () => assert.deepEqual(roleIn(line), want))
})

describe('readRdbHeader', () => {
  it('reads format, server and moment', () => {
    assert.deepEqual(readRdbHeader(RDB), { version: 10, redisVersion: '7.0.15', madeAt: 1_795_655_325_000 })
  })

  it('takes any bytes, and every beginning of a good one', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readRdbHeader(bytes)))
    for (let end = 0; end < RDB.length; end++) {
      const found = readRdbHeader(RDB.subarray(0, end))
      assert.equal(found !== undefined, end >= 9)
    }
  })
})

describe('the checks of a rehearsal', () => {
  const table = (name: string, rows: number) => ({ database: 'd', table: name, rows })
  const passed = (checks: readonly { readonly passed: boolean }[]) => checks.map((check) => check.passed)

  it('a database without a row fails, whatever is asked for', () => {
    const none = { rows: new Map(), keys: 0 }
    assert.deepEqual(passed(rowChecks('f', [], none)), [false])
    assert.deepEqual(passed(rowChecks('f', [table('public.a', 0)], none)), [false])
    assert.deepEqual(passed(rowChecks('f', [table('public.a', 1)], none)), [true])
  })

  it('a table is meant with its schema or without, and never by a part of its name', () => {
    const tables = [table('public.users', 5), table('public.old_users', 9)]
    const ask = (name: string, least: number) =>
      passed(rowChecks('f', tables, { rows: new Map([[name, least]]), keys: 0 }))[1]
    assert.deepEqual(
      [ask('users', 5), ask('users', 6), ask('public.users', 5), ask('sers', 0)],
      [true, false, true, false],
    )
  })

  it('a Redis without a key fails', () => {
    assert.deepEqual(passed(keyChecks('f', [], 0)), [false])
    assert.deepEqual(passed(keyChecks('f', [{ database: 'db0', keys: 2, expires: 0 }], 3)), [false])
    assert.deepEqual(passed(keyChecks('f', [{ database: 'db0', keys: 2, expires: 0 }], 2)), [true])
  })

  for (const [lines, want] of [
    [['t'], true],
    [['12|x', '13|y'], true],
    [[], false],
    [['f'], false],
    [['0'], false],
    [['false|t'], false],
  ] as const)
    it(`a query that says ${JSON.stringify(lines)} ${want ? 'passes' : 'fails'}`, () => {
      assert.equal(queryCheck('f', 'q', lines).passed, want)
    })

  it('age is only checked where both are known', () => {
    const point = { id: 'pt', takenAt: 1_000_000 }
    assert.deepEqual(ageCheck('f', undefined, point, 1), [])
    assert.deepEqual(ageCheck('f', 1, undefined, 1), [])
    assert.deepEqual(passed(ageCheck('f', 1_000_010, point, 10)), [true])
    assert.deepEqual(passed(ageCheck('f', 999_989, point, 10)), [false])
  })

  it('a wish for rows is a table and a number', () => {
    assert.deepEqual(parseRowWish('public.users=1000'), ['public.users', 1000])
    for (const wrong of ['users', '=5', 'users=', 'users=-1', 'users=many', 'a b=1'])
      assert.equal(parseRowWish(wrong), undefined)
  })
})
