import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { type DownloadEvent, PieceReader } from '#core/transfer/pieces.ts'
import { formatProgress, parseProgress } from '#core/transfer/resume.ts'
import { differences, parseSums } from '#core/transfer/sums.ts'
import { boxed } from '../../support/boxed.ts'

const IDENTITY = 'a'.repeat(64)
const HEAD = `pgctl-cp 1 ${IDENTITY} folder yes 512 1234 7\n`

interface Piece {
  readonly bytes: Uint8Array
  readonly base64: boolean
}
const pieces = fc.array(
  fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 100 }), base64: fc.boolean() }),
  { maxLength: 5 },
)

function written(list: readonly Piece[]): Buffer {
  return Buffer.concat(
    list.flatMap(({ bytes, base64 }) => [
      Buffer.from(`${base64 ? 'B' : 'R'} ${bytes.length}\n`),
      base64 ? Buffer.from(Buffer.from(bytes).toString('base64')) : bytes,
      Buffer.from('\n'),
    ]),
  )
}

function readAll(bytes: Uint8Array, size: number): DownloadEvent[] {
  const reader = new PieceReader()
  const events: DownloadEvent[] = []
  for (let at = 0; at < bytes.length; at += size) events.push(...reader.push(bytes.subarray(at, at + size)))
  return events
}

const joined = (events: readonly DownloadEvent[], type: 'archive' | 'sums') =>
  Buffer.concat(events.flatMap((event) => (event.type === type ? [event.bytes] : []))).toString('hex')
const hex = (list: readonly Piece[]) => Buffer.concat(list.map(({ bytes }) => bytes)).toString('hex')

describe('what a download is made of', () => {
  it('is read however it is cut', () =>
    fc.assert(
      fc.property(pieces, pieces, fc.integer({ min: 1, max: 300 }), (archive, sums, size) => {
        const stream = Buffer.concat([
          Buffer.from(HEAD),
          written(archive),
          Buffer.from('sums\n'),
          written(sums),
          Buffer.from('done yes 0\n'),
        ])
        const events = readAll(stream, size)
        assert.deepEqual(events[0], {
          type: 'head',
          head: { identity: IDENTITY, kind: 'folder', compressed: true, skip: 512, size: 1234, entries: 7 },
        })
        assert.equal(joined(events, 'archive'), hex(archive))
        assert.equal(joined(events, 'sums'), hex(sums))
        assert.deepEqual(events.at(-1), { type: 'done', unchanged: true, status: 0 })
      }),
      boxed(300, 5_000),
    ))

  const WRONG = [
    ['a shell that greets', 'Welcome to Amazon Linux\n'],
    ['another version', HEAD.replace('pgctl-cp 1', 'pgctl-cp 2')],
    ['a piece that is too long', `${HEAD}R 99999999\n`],
    ['a piece longer than it says', `${HEAD}R 1\nab\n`],
    ['an end without checksums', `${HEAD}done yes 0\n`],
    ['more after the end', `${HEAD}sums\ndone yes 0\nR 1\na\n`],
    ['a line without an end', 'x'.repeat(1000)],
  ] as const
  for (const [what, text] of WRONG)
    it(`fails at ${what}`, () =>
      assert.throws(
        () => readAll(Buffer.from(text), 7),
        (error) => isPgctlError(error, 'copy-corrupt'),
      ))
})

describe('a list of checksums', () => {
  const SUM = '0b37743370331e33808c0dd0167563798a3c324504cf0055d2b0ac81578d2c58'

  it('has the names as they are, the escaped ones too', () =>
    assert.deepEqual(
      [...parseSums(`${SUM}  ./a b\n\\${SUM}  ./c\\nd\\\\e\n`)],
      [
        ['a b', SUM],
        ['c\nd\\e', SUM],
      ],
    ))

  it('that cannot be read is no empty one', () =>
    assert.throws(
      () => parseSums('sha256sum: ./x: Permission denied\n'),
      (error) => isPgctlError(error, 'copy-corrupt'),
    ))

  it('differs from another where one has what the other has not', () =>
    assert.deepEqual(
      differences(
        new Map([
          ['a', '1'],
          ['b', '2'],
          ['c', '3'],
        ]),
        new Map([
          ['a', '1'],
          ['b', '3'],
          ['d', '4'],
        ]),
      ),
      ['b', 'c', 'd'],
    ))
})

describe('the note of how far a copy is', () => {
  it('is read as it was written', () => {
    const entry = { path: 'x', kind: 'file', size: 10, mode: 0o600, modified: 1.5, target: '' } as const
    for (const place of [{ position: 512 }, { position: 1030, entry, done: 6 }]) {
      const progress = { identity: IDENTITY, content: 6, place }
      assert.deepEqual(parseProgress(formatProgress(progress)), progress)
    }
  })

  for (const text of [
    '',
    'null',
    '{"version":1',
    '{"version":2}',
    '{"version":1,"identity":"x","position":-1,"content":0}',
  ])
    it(`says nothing as ${JSON.stringify(text)}`, () => assert.equal(parseProgress(text), undefined))
})
