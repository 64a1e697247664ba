import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { SpillFile } from '#core/io/spill-file.ts'

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-spill-'))
  try {
    await run(join(folder, 'state'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('SpillFile', () => {
  it('gives any texts back in their order, however pushing and taking alternate', async () =>
    inFolder(async (folder) => {
      const steps = fc.array(
        fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.constant(undefined)),
      )
      await fc.assert(
        fc.asyncProperty(steps, async (todo) => {
          const file = await SpillFile.open(folder)
          try {
            const inside: string[] = []
            for (const text of todo)
              if (text === undefined) assert.equal(await file.shift(), inside.shift())
              else {
                inside.push(text)
                void file.push(text)
              }
            while (inside.length > 0) assert.equal(await file.shift(), inside.shift())
            assert.equal(await file.shift(), undefined)
            assert.equal(file.held, 0)
          } finally {
            await file.close()
          }
        }),
        { numRuns: 30 },
      )
    }))

  it(
    'has no name, and is the business of its owner alone',
    { skip: process.platform === 'win32' },
    async () =>
      inFolder(async (folder) => {
        const file = await SpillFile.open(folder)
        await file.push('secret')
        assert.deepEqual(await readdir(folder), [])
        assert.equal((await stat(folder)).mode & 0o777, 0o700)
        await file.close()
      }),
  )

  it('removes what processes that are no more have left, and nothing else', async () =>
    inFolder(async (folder) => {
      await (await SpillFile.open(folder)).close()
      const dead = 'spill-4194305-0011223344556677'
      const alive = `spill-${process.pid}-0011223344556677`
      for (const name of [dead, alive, 'ports.json']) await writeFile(join(folder, name), 'x')
      await (await SpillFile.open(folder)).close()
      assert.deepEqual((await readdir(folder)).sort(), ['ports.json', alive])
    }))
})
