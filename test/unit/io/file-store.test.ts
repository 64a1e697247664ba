import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'

const STORE_MODULE = import.meta.resolve('#core/io/file-store.ts')
const CLOCK_MODULE = import.meta.resolve('#core/io/system-clock.ts')

describe('file store', { timeout: 30_000 }, () => {
  let root: string
  let count = 0
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgctl-store-'))
  })
  after(() => rm(root, { recursive: true, force: true }))

  function fresh() {
    const folder = join(root, `state-${count++}`)
    return { folder, store: createFileStore({ folder, clock: systemClock }) }
  }

  it('gives back what was written, and nothing for what was not', async () => {
    const { store } = fresh()
    const version = await store.write('tunnels/acme/grafana', { port: 24_817 })
    assert.deepEqual(await store.read('tunnels/acme/grafana'), { value: { port: 24_817 }, version })
    assert.equal(await store.read('tunnels/acme/hermes'), undefined)
  })

  it('keeps documents from other users, and leaves no draft and no lock behind', async () => {
    const { store, folder } = fresh()
    await store.write('identity/ab12', { account: '111122223333' })
    const path = join(folder, 'identity', 'ab12.json')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal((await stat(dirname(path))).mode & 0o777, 0o700)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.deepEqual(await readdir(dirname(path)), ['ab12.json'])
  })

  it('lists keys by prefix, in order, and no other file', async () => {
    const { store, folder } = fresh()
    assert.deepEqual(await store.list(''), [])
    for (const key of ['ports/b', 'ports/a', 'identity/x']) await store.write(key, {})
    await writeFile(join(folder, 'ports', 'notes.txt'), '')
    await writeFile(join(folder, 'ports', 'a.json.new'), '')
    assert.deepEqual(await store.list('ports/'), ['ports/a', 'ports/b'])
    assert.deepEqual(await store.list(''), ['identity/x', 'ports/a', 'ports/b'])
    assert.deepEqual([...(await store.readAll('ports/')).keys()], ['ports/a', 'ports/b'])
    assert.deepEqual((await store.readAll('ports/')).get('ports/a'), await store.read('ports/a'))
  })

  it('removes a document, and nothing when it is not there', async () => {
    const { store } = fresh()
    await store.write('ports/a', {})
    await store.remove('ports/a')
    await store.remove('ports/a')
    assert.equal(await store.read('ports/a'), undefined)
  })

  for (const key of ['', '/etc/passwd', '../outside', 'a//b', 'a/../b', 'A', 'a/.', 'a\0b', 'a/']) {
    it(`refuses the key ${JSON.stringify(key)}, which is no path below the folder`, async () => {
      await assert.rejects(async () => fresh().store.read(key), TypeError)
    })
  }

  const conflicts = [
    { stored: true, expected: 'absent' as const, why: 'someone else created it first' },
    { stored: true, expected: '0'.repeat(32), why: 'someone else changed it' },
    { stored: false, expected: '0'.repeat(32), why: 'someone else removed it' },
  ]
  for (const { stored, expected, why } of conflicts) {
    it(`fails with state-conflict when ${why}, and changes nothing`, async () => {
      const { store } = fresh()
      if (stored) await store.write('ports/a', 1)
      const before = await store.read('ports/a')
      await assert.rejects(store.write('ports/a', 2, expected), (error) =>
        isPgctlError(error, 'state-conflict'),
      )
      assert.deepEqual(await store.read('ports/a'), before)
    })
  }

  it('writes when the version is the expected one', async () => {
    const { store } = fresh()
    const first = await store.write('ports/a', 1, 'absent')
    await store.write('ports/a', 2, first)
    assert.equal((await store.read('ports/a'))?.value, 2)
  })

  it('names a corrupt file and how to mend it', async () => {
    const { store, folder } = fresh()
    await store.write('ports/a', 1)
    const path = join(folder, 'ports', 'a.json')
    await writeFile(path, '{"port": 24')
    await assert.rejects(store.read('ports/a'), (error) => {
      assert.ok(isPgctlError(error, 'state-invalid'))
      assert.ok(error.message.includes(path))
      assert.ok(error.next?.includes(`rm ${path}`))
      return true
    })
    await store.write('ports/a', 2)
    assert.equal((await store.read('ports/a'))?.value, 2)
  })

  it('says which file it may not touch', {
    skip: process.getuid?.() === 0 && 'root may touch everything',
  }, async () => {
    const { store, folder } = fresh()
    await store.write('ports/a', 1)
    await chmod(join(folder, 'ports'), 0o500)
    await assert.rejects(store.write('ports/a', 2), (error) => {
      assert.ok(isPgctlError(error, 'state-invalid'))
      assert.ok(error.message.includes(join(folder, 'ports', 'a.json')))
      return true
    })
    await chmod(join(folder, 'ports'), 0o700)
  })

  it('explains a folder that is a file', async () => {
    const { store, folder } = fresh()
    await mkdir(folder)
    await writeFile(join(folder, 'ports'), '')
    await assert.rejects(store.write('ports/a', 1), (error) => isPgctlError(error, 'state-invalid'))
  })

  it('takes over the lock and the draft of a process that is gone', async () => {
    const { store, folder } = fresh()
    await store.write('ports/a', 1)
    const path = join(folder, 'ports', 'a.json')
    const gone = spawn(process.execPath, ['-e', ''])
    await once(gone, 'exit')
    await writeFile(`${path}.lock`, `${gone.pid} ${hostname()}\n`)
    await writeFile(`${path}.new`, 'half a docu')
    await store.write('ports/a', 2)
    assert.equal(await readFile(path, 'utf8'), '2\n')
    assert.deepEqual(await readdir(dirname(path)), ['a.json'])
  })

  it('takes over an old lock that does not say whose it is, and one whose breaker died', async () => {
    const { store, folder } = fresh()
    await store.write('ports/a', 1)
    const path = join(folder, 'ports', 'a.json')
    const longAgo = new Date(Date.now() - 60_000)
    for (const leftover of [`${path}.lock`, `${path}.lock.broken`]) {
      await writeFile(leftover, '')
      await utimes(leftover, longAgo, longAgo)
    }
    await store.write('ports/a', 2)
    assert.deepEqual(await readdir(dirname(path)), ['a.json'])
  })

  it('never breaks the lock of a living process, and names it', async () => {
    const { folder } = fresh()
    const clock = hastyClock()
    const store = createFileStore({ folder, clock })
    await store.write('ports/a', 1)
    const lock = join(folder, 'ports', 'a.json.lock')
    await writeFile(lock, `${process.pid} ${hostname()}\n`)
    await assert.rejects(store.write('ports/a', 2), (error) => {
      assert.ok(isPgctlError(error, 'state-conflict'))
      assert.match(error.why ?? '', new RegExp(`process ${process.pid} `))
      assert.ok(error.next?.includes(lock))
      return true
    })
    assert.equal((await store.read('ports/a'))?.value, 1)
  })

  it('loses no update among writers of one process', async () => {
    const { store } = fresh()
    await Promise.all(Array.from({ length: 24 }, () => increment(store)))
    assert.equal((await store.read('counters/a'))?.value, 24)
  })

  it('loses no update among writers of several processes', async () => {
    const { folder, store } = fresh()
    const program = `
      const { createFileStore } = await import(${JSON.stringify(STORE_MODULE)})
      const { systemClock } = await import(${JSON.stringify(CLOCK_MODULE)})
      const store = createFileStore({ folder: ${JSON.stringify(folder)}, clock: systemClock })
      ${increment.toString()}
      for (let i = 0; i < 10; i++) await increment(store)`
    const writers = Array.from({ length: 3 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    )
    const statuses = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]))
    assert.deepEqual(statuses, [0, 0, 0])
    assert.equal((await store.read('counters/a'))?.value, 30)
  })
})

/** Adds one by compare-and-set. Its text also runs in other processes: it uses nothing from around it. */
async function increment(store: ReturnType<typeof createFileStore>): Promise<void> {
  for (;;) {
    const stored = await store.read('counters/a')
    try {
      await store.write('counters/a', Number(stored?.value ?? 0) + 1, stored?.version ?? 'absent')
      return
    } catch (error) {
      if ((error as { code: string }).code !== 'state-conflict') throw error
    }
  }
}

/** A clock on which every wait is over at once, and counted. */
function hastyClock() {
  let mono = 0
  return {
    now: () => ({ mono, wall: Date.now() }),
    after(delay: number, wake: () => void) {
      mono += delay
      const immediate = setImmediate(wake)
      return () => clearImmediate(immediate)
    },
  }
}
