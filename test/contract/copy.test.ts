import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type ErrorCode, isPgctlError } from '#core/errors.ts'
import { type CopyLab, smallDisk, startCopyLab } from '../support/copy-lab.ts'
import { sha256Of } from '../support/sha256.ts'

const TIMEOUT = { timeout: 60_000 }
const MEBIBYTE = 1024 * 1024

/** All of a folder: what each thing in it is, with modes, times to the millisecond, and content. */
function picture(root: string): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  const look = (path: string) => {
    const full = join(root, path)
    const stats = lstatSync(full)
    const mode = (stats.mode & 0o777).toString(8)
    const time = Math.floor(stats.mtimeMs)
    if (stats.isSymbolicLink()) found[path] = ['link', readlinkSync(full)]
    else if (stats.isFile()) found[path] = ['file', mode, time, sha256Of(readFileSync(full))]
    else if (stats.isDirectory()) {
      found[path] = ['folder', mode, time]
      for (const name of readdirSync(full).sort()) look(path === '' ? name : `${path}/${name}`)
    }
  }
  look('')
  return found
}

function isError(code: ErrorCode, about?: RegExp) {
  return (error: unknown) => {
    assert.ok(isPgctlError(error, code), String(error))
    if (about !== undefined) assert.match(`${error.message} ${error.why ?? ''}`, about)
    return true
  }
}

/** The bytes that the agent breaks, in any number and place, among others. */
function trickyBytes(size: number): Buffer {
  const bytes = randomBytes(size)
  for (let at = 0; at + 3 < size; at += 1 + (bytes[at] ?? 0) * 40) bytes.set([0xef, 0xbf, 0xbd], at)
  bytes.set([0xef, 0xbf], size - 2)
  return bytes
}

/** A folder with all that is awkward in one. */
function makeTree(root: string): void {
  mkdirSync(join(root, 'sub dir', 'deep'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  const files: Record<string, string | Buffer> = {
    'plain.txt': 'hello\n',
    nothing: '',
    '-rf': 'a name that looks like a flag',
    'it\'s "quoted" $(id) `id` \\': 'quotes',
    'line\nbreak': 'a name of two lines',
    'ünïcödé ☂': 'other scripts',
    [`sub dir/${'n'.repeat(200)}`]: 'a long name',
    'sub dir/deep/tricky.bin': trickyBytes(300_000),
    'sub dir/\ufffd': '\ufffd\ufffd',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content)
  chmodSync(join(root, 'plain.txt'), 0o755)
  chmodSync(join(root, 'nothing'), 0o400)
  chmodSync(join(root, 'sub dir'), 0o750)
  symlinkSync('../plain.txt', join(root, 'sub dir', 'link'))
  symlinkSync('gone', join(root, 'broken-link'))
  utimesSync(join(root, 'plain.txt'), 1_000_000_000.5, 1_000_000_000.5)
  utimesSync(join(root, 'sub dir'), 1_100_000_000, 1_100_000_000)
}

describe('a copy', { timeout: 240_000 }, () => {
  let lab: CopyLab
  before(async () => {
    lab = await startCopyLab()
  })
  after(async () => {
    assert.deepEqual(lab?.sessions.activeSessions(), [])
    await lab?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    for (const folder of [lab.near, lab.far])
      execFileSync('sh', ['-c', 'chmod -R u+w "$0"; rm -rf "$0"; mkdir "$0"', folder])
  })

  const DIRECTIONS = ['down', 'up'] as const
  /** The words for a copy in a direction, and where its two ends are. */
  function ends(direction: (typeof DIRECTIONS)[number], source: string, destination: string) {
    const [from, to] = direction === 'down' ? [lab.far, lab.near] : [lab.near, lab.far]
    const mark = (isFar: boolean, path: string) => (isFar ? `:${path}` : path)
    return {
      from: join(from, source),
      to: join(to, destination),
      words: [
        mark(direction === 'down', join(from, source)),
        mark(direction === 'up', join(to, destination)),
      ] as const,
    }
  }

  for (const direction of DIRECTIONS) {
    describe(direction, () => {
      it('has all of a folder: names, modes, times, links', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'tree', 'copy')
        mkdirSync(from)
        makeTree(from)
        const report = await lab.copy(...words)
        assert.deepEqual(picture(to), picture(from))
        assert.equal(report.destination, to)
        assert.equal(report.files, 9)
        assert.deepEqual(report.leftOut, [])
        assert.deepEqual(readdirSync(dirname(to)), ['copy'])
      })

      for (const compress of [true, false])
        it(`has every byte of a file, ${compress ? 'packed' : 'unpacked'}`, TIMEOUT, async () => {
          const { from, to, words } = ends(direction, 'a b.bin', 'copy.bin')
          writeFileSync(
            from,
            Buffer.concat([trickyBytes(2 * MEBIBYTE), Buffer.alloc(3 * MEBIBYTE, '\ufffd')]),
          )
          chmodSync(from, 0o640)
          const report = await lab.copy(...words, { compress })
          assert.equal(sha256Of(readFileSync(to)), sha256Of(readFileSync(from)))
          assert.equal(report.sha256, sha256Of(readFileSync(from)))
          assert.equal(lstatSync(to).mode & 0o777, 0o640)
          assert.equal(Math.floor(lstatSync(to).mtimeMs), Math.floor(lstatSync(from).mtimeMs))
        })

      for (const size of [0, 1, 3, 511, 512, 513, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1])
        it(`has a file of ${size} bytes`, TIMEOUT, async () => {
          const { from, to, words } = ends(direction, 'x', 'y')
          writeFileSync(from, size < 3 ? Buffer.alloc(size, 0xe2) : trickyBytes(size))
          await lab.copy(...words, { compress: false })
          assert.deepEqual(readFileSync(to), readFileSync(from))
        })

      it('goes into a folder that is there, and beside what is in it', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'tree', '.')
        mkdirSync(join(from, 'a'), { recursive: true })
        writeFileSync(join(from, 'a', 'new'), 'new')
        writeFileSync(join(from, 'a', 'both'), 'from')
        mkdirSync(join(to, 'tree', 'a'), { recursive: true })
        writeFileSync(join(to, 'tree', 'a', 'both'), 'to')
        writeFileSync(join(to, 'tree', 'a', 'old'), 'old')
        await lab.copy(...words)
        const content = (name: string) => readFileSync(join(to, 'tree', 'a', name), 'utf8')
        assert.deepEqual(['new', 'both', 'old'].map(content), ['new', 'from', 'old'])
        assert.deepEqual(readdirSync(to), ['tree'])
      })

      it('replaces a file in one step', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'x', 'y')
        writeFileSync(from, 'new')
        writeFileSync(to, 'a longer old one')
        await lab.copy(...words)
        assert.equal(readFileSync(to, 'utf8'), 'new')
      })

      it('leaves out links that lead elsewhere and what is no file, and says so', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'tree', 'copy')
        mkdirSync(join(from, 'd'), { recursive: true })
        writeFileSync(join(from, 'kept'), '')
        symlinkSync('/etc/passwd', join(from, 'absolute'))
        symlinkSync('../../out', join(from, 'd', 'upwards'))
        execFileSync('mkfifo', [join(from, 'pipe')])
        const { leftOut } = await lab.copy(...words)
        assert.deepEqual(readdirSync(to), ['d', 'kept'])
        assert.deepEqual(leftOut.map(({ path, why }) => `${path} ${why}`).sort(), [
          'absolute leads-outside',
          'd/upwards leads-outside',
          'pipe special-file',
        ])
      })

      it('goes on where an interrupted one has stopped', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'big', 'copy')
        writeFileSync(from, randomBytes(12 * MEBIBYTE))
        const cut = lab.copy(...words, {
          onProgress: ({ done }, interrupt) => done > 5 * MEBIBYTE && interrupt(),
        })
        await assert.rejects(cut, isError('interrupted'))
        assert.ok(!existsSync(to))
        assert.ok(existsSync(join(dirname(to), '.copy.pgctl-part')))
        const { resumed, sent } = await lab.copy(...words)
        assert.ok(resumed >= MEBIBYTE, `only ${resumed} bytes were kept`)
        assert.ok(sent < 12 * MEBIBYTE, `${sent} bytes were sent`)
        assert.equal(sha256Of(readFileSync(to)), sha256Of(readFileSync(from)))
        assert.deepEqual(readdirSync(dirname(to)), ['copy'])
      })

      it('of a folder goes on, too, and keeps what is whole', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'tree', 'copy')
        mkdirSync(from)
        makeTree(from)
        for (let file = 0; file < 40; file++) writeFileSync(join(from, `z${file}`), randomBytes(256 * 1024))
        const cut = lab.copy(...words, {
          compress: false,
          onProgress: ({ done }, interrupt) => done > 6 * MEBIBYTE && interrupt(),
        })
        await assert.rejects(cut, isError('interrupted'))
        assert.ok(!existsSync(to))
        const { resumed } = await lab.copy(...words)
        assert.ok(resumed >= MEBIBYTE, `only ${resumed} bytes were kept`)
        assert.deepEqual(picture(to), picture(from))
      })

      it('begins anew where the source is another by then', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'big', 'copy')
        writeFileSync(from, randomBytes(8 * MEBIBYTE))
        await assert.rejects(
          lab.copy(...words, { onProgress: ({ done }, interrupt) => done > 4 * MEBIBYTE && interrupt() }),
          isError('interrupted'),
        )
        writeFileSync(from, randomBytes(3 * MEBIBYTE))
        const { resumed } = await lab.copy(...words)
        assert.equal(resumed, 0)
        assert.deepEqual(readFileSync(to), readFileSync(from))
      })

      it('of what changes meanwhile is an error, and the destination has what it had', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'log', 'copy')
        writeFileSync(from, randomBytes(6 * MEBIBYTE))
        writeFileSync(to, 'old')
        let touched = false
        const copying = lab.copy(...words, {
          onProgress: ({ done }) => {
            if (touched || done < MEBIBYTE) return
            touched = true
            appendFileSync(from, 'one line more\n')
          },
        })
        await assert.rejects(copying, isError('source-changed', /log/))
        assert.equal(readFileSync(to, 'utf8'), 'old')
      })

      it('onto a full disk fails, keeps what fits, and goes on once there is room', TIMEOUT, async (test) => {
        const { from, to, words } = ends(direction, 'big', 'disk/copy')
        mkdirSync(dirname(to))
        const disk = smallDisk(dirname(to), '4m')
        if (disk === undefined) return test.skip('mounting takes root')
        try {
          writeFileSync(from, randomBytes(6 * MEBIBYTE))
          await assert.rejects(lab.copy(...words), isError('disk-full', /no space left/i))
          assert.deepEqual(readdirSync(dirname(to)), ['.copy.pgctl-part'])
          execFileSync('mount', ['-o', 'remount,size=16m', dirname(to)])
          const { resumed } = await lab.copy(...words)
          assert.ok(resumed >= MEBIBYTE, `only ${resumed} bytes were kept`)
          assert.deepEqual(readFileSync(to), readFileSync(from))
        } finally {
          disk[Symbol.dispose]()
        }
      })

      it('refuses what cannot be', TIMEOUT, async () => {
        const { from, to, words } = ends(direction, 'x', 'y')
        await assert.rejects(lab.copy(...words), isError('path-unknown'))
        writeFileSync(from, '')
        mkdirSync(join(to, 'x'), { recursive: true })
        await assert.rejects(lab.copy(...words), (error) => isPgctlError(error))
        const nowhere = ends(direction, 'x', 'no/such/folder')
        await assert.rejects(lab.copy(...nowhere.words), isError('path-unknown'))
        const folder = ends(direction, 'folder', 'file')
        mkdirSync(folder.from)
        writeFileSync(folder.to, '')
        await assert.rejects(lab.copy(...folder.words), (error) => isPgctlError(error))
        assert.ok(lstatSync(folder.to).isFile())
      })
    })
  }

  it('down is never written through a link of the destination', TIMEOUT, async () => {
    const elsewhere = join(lab.near, 'elsewhere')
    mkdirSync(elsewhere)
    mkdirSync(join(lab.near, 'tree'))
    symlinkSync(elsewhere, join(lab.near, 'tree', 'sub'))
    mkdirSync(join(lab.far, 'tree', 'sub'), { recursive: true })
    writeFileSync(join(lab.far, 'tree', 'sub', 'file'), 'x')
    await assert.rejects(lab.copy(`:${lab.far}/tree`, lab.near), isError('path-unsafe', /link/))
    assert.deepEqual(readdirSync(elsewhere), [])
  })

  it('down of a path that is not absolute begins at the home there', TIMEOUT, async () => {
    await assert.rejects(lab.copy(':no such file', lab.near), isError('path-unknown'))
    await lab.copy(join(import.meta.dirname, 'copy.test.ts'), ':~/copied')
    await lab.copy(':copied', join(lab.near, 'back'))
    assert.deepEqual(readFileSync(join(lab.near, 'back')), readFileSync(import.meta.filename))
  })

  it('twice at once to one place is refused for the second', TIMEOUT, async () => {
    writeFileSync(join(lab.near, 'x'), randomBytes(4 * MEBIBYTE))
    let second: Promise<unknown> | undefined
    await lab.copy(`${lab.near}/x`, `:${lab.far}/y`, {
      onProgress: () => {
        second ??= lab.copy(`${lab.near}/x`, `:${lab.far}/y`).catch((error: unknown) => error)
      },
    })
    assert.match(String((await second) ?? ''), /refuses|not arrive|cut short|y/)
  })

  it('leaves nothing on the bastion but the copy', TIMEOUT, async () => {
    writeFileSync(join(lab.far, 'x'), randomBytes(MEBIBYTE))
    await lab.copy(`:${lab.far}/x`, lab.near)
    assert.deepEqual(readdirSync(lab.far), ['x'])
    assert.deepEqual(readdirSync(lab.near), ['x'])
  })
})
