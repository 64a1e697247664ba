import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import { type Entry, safePath, staysInside } from '#core/transfer/entry.ts'
import { TarReader } from '#core/transfer/tar-reader.ts'
import { TAR_END, tarHeader, tarPadding } from '#core/transfer/tar-writer.ts'
import { boxed } from '../../support/boxed.ts'

interface Item {
  readonly entry: Entry
  readonly content: Uint8Array
}

const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 150 })
  .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const item: fc.Arbitrary<Item> = fc
  .record({
    path,
    kind: fc.constantFrom('file', 'folder', 'link' as const),
    content: fc.uint8Array({ maxLength: 1200 }),
    mode: fc.nat(0o777),
    seconds: fc.nat(4_000_000_000),
    millis: fc.nat(999),
    target: path,
  })
  .map(({ path, kind, content, mode, seconds, millis, target }) => {
    const held = kind === 'file' ? content : new Uint8Array(0)
    const modified = seconds * 1000 + millis
    return {
      entry: { path, kind, size: held.length, mode, modified, target: kind === 'link' ? target : '' },
      content: held,
    }
  })

function archiveOf(items: readonly Item[]): Buffer {
  const parts = items.flatMap(({ entry, content }) => [tarHeader(entry), content, tarPadding(entry.size)])
  return Buffer.concat([...parts, TAR_END])
}

/** What a reader gives, however the stream is cut. */
function read(reader: TarReader, pieces: Iterable<Uint8Array>): Item[] {
  const items: Item[] = []
  let parts: Uint8Array[] = []
  for (const piece of pieces)
    for (const event of reader.push(piece)) {
      if (event.type === 'entry') parts = []
      else if (event.type === 'content') parts.push(event.bytes)
      else if (event.type === 'entry-end')
        items.push({ entry: event.entry, content: new Uint8Array(Buffer.concat(parts)) })
    }
  return items
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('an archive', () => {
  it('is read as it was written, however it is cut', () =>
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), fc.integer({ min: 1, max: 3000 }), (items, size) => {
        const reader = new TarReader()
        assert.deepEqual(read(reader, cut(archiveOf(items), size)), items)
        assert.ok(reader.hasEnded)
      }),
      boxed(300, 5_000),
    ))

  it('goes on from any place at which it was cut', () =>
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), fc.nat(), (items, chance) => {
        const archive = archiveOf(items)
        const at = chance % archive.length
        const first = new TarReader()
        const contentOf = new Map<string, Uint8Array[]>()
        const take = (reader: TarReader, bytes: Uint8Array, current: { path: string }) => {
          for (const event of reader.push(bytes))
            if (event.type === 'entry') {
              current.path = event.entry.path
              contentOf.set(event.entry.path, [])
            } else if (event.type === 'content') contentOf.get(current.path)?.push(event.bytes)
        }
        const current = { path: '' }
        take(first, archive.subarray(0, at), current)
        const { place } = first
        // What only fills up a block need not come again.
        assert.ok(place.position < at + 512)
        take(new TarReader(place), archive.subarray(place.position), current)
        for (const { entry, content } of items)
          if (items.filter((each) => each.entry.path === entry.path).length === 1)
            assert.deepEqual(new Uint8Array(Buffer.concat(contentOf.get(entry.path) ?? [])), content)
      }),
      boxed(300, 5_000),
    ))

  it('holds files above 8 GiB, whose size no octal field can', () => {
    const entry: Entry = {
      path: 'dump',
      kind: 'file',
      size: 9 * 2 ** 30 + 1,
      mode: 0o600,
      modified: 0,
      target: '',
    }
    const reader = new TarReader()
    const [first] = [...reader.push(tarHeader(entry))]
    assert.deepEqual(first, { type: 'entry', entry })
    assert.deepEqual(reader.place, { position: 3 * 512, entry, done: 0 })
  })

  it('of GNU, with a size in binary, is read as well', () => {
    const header = Buffer.from(
      tarHeader({ path: 'x', kind: 'file', size: 0, mode: 0o644, modified: 0, target: '' }),
    )
    const block = header.subarray(header.length - 512)
    block.fill(0, 124, 136)
    block[124] = 0x80
    block.writeUIntBE(2 ** 40, 130, 6)
    block.fill(0x20, 148, 156)
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const [event] = [...new TarReader().push(block)]
    assert.equal(event?.type === 'entry' && event.entry.size, 2 ** 40)
  })

  it('that is garbage fails with an error of ours, and nothing else', () =>
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 512, maxLength: 2048 }), (bytes) => {
        try {
          for (const event of new TarReader().push(bytes)) assert.ok(event.type)
        } catch (error) {
          assert.ok(isPgctlError(error), String(error))
        }
      }),
      boxed(500, 3_000),
    ))
})

describe('a path of an archive', () => {
  const SAFE = [
    ['./a/b', 'a/b'],
    ['a//b/', 'a/b'],
    ['.', ''],
    ['a/..b/...', 'a/..b/...'],
  ] as const
  for (const [given, meant] of SAFE)
    it(`${given} is ${meant === '' ? 'the folder itself' : meant}`, () =>
      assert.equal(safePath(given), meant))

  for (const path of ['/etc/passwd', '../x', 'a/../../x', 'a/..', '//x', 'a\0b'])
    it(`${JSON.stringify(path)} is refused`, () =>
      assert.throws(
        () => safePath(path),
        (error) => isPgctlError(error, 'path-unsafe'),
      ))

  it('that leads out stops the reading before anything of the entry is given', () => {
    const header = tarHeader({
      path: '../../etc/cron.d/x',
      kind: 'file',
      size: 3,
      mode: 0o644,
      modified: 0,
      target: '',
    })
    const events: unknown[] = []
    assert.throws(
      () => {
        for (const event of new TarReader().push(header)) events.push(event)
      },
      (error) => isPgctlError(error, 'path-unsafe'),
    )
    assert.deepEqual(events, [])
  })
})

describe('a link', () => {
  const INSIDE = [
    ['a', 'b'],
    ['d/a', '../b'],
    ['d/e/a', '../../b/./c'],
    ['a', '.'],
  ] as const
  for (const [path, target] of INSIDE)
    it(`${path} to ${target} stays inside`, () => assert.ok(staysInside(path, target)))
  const OUTSIDE = [
    ['a', '/etc/passwd'],
    ['a', '..'],
    ['d/a', '../../x'],
    ['d/a', '../d/../../x'],
    ['a', ''],
  ] as const
  for (const [path, target] of OUTSIDE)
    it(`${path} to ${JSON.stringify(target)} does not`, () => assert.ok(!staysInside(path, target)))
})
