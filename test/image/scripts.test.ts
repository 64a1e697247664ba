import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describeWith, programOf } from '../support/peers.ts'

/** The scripts of the image: read by shellcheck, and the one that runs at boot tried by bats. */

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

describeWith(['shellcheck'], 'the scripts of the image', { timeout: 60_000 }, () => {
  it('have nothing that shellcheck finds', async () => {
    const scripts: string[] = []
    for await (const path of glob('packer/{build,provision,root}/**/*', { cwd: root, withFileTypes: true }))
      if (path.isFile()) {
        const file = join(path.parentPath, path.name)
        if (/^#!\/(usr\/)?bin\/(env )?(ba)?sh/.test(await readFile(file, 'utf8'))) scripts.push(file)
      }
    assert.ok(scripts.length > 10)
    await run(programOf('shellcheck'), scripts)
    await run(programOf('shellcheck'), ['--shell=sh', join(root, 'packer/root/etc/profile.d/60-pgctl.sh')])
  })
})

describeWith(['bats', 'jq'], 'what runs at boot', { timeout: 120_000 }, () => {
  it('does as its own tests say', async () => {
    const file = join(root, 'test/image/first-boot.bats')
    const { stdout } = await run(programOf('bats'), ['--tap', file]).catch((error: { stdout?: string }) => {
      throw new Error(error.stdout ?? String(error))
    })
    assert.match(stdout, /^1\.\.9$/m)
    assert.equal(stdout.match(/^ok /gm)?.length, 9)
  })
})
