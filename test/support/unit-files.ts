import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The units of systemd that the image has of ours, as they are written and as systemd's own analyzer takes them. */

const run = promisify(execFile)
const folder = fileURLToPath(new URL('../../packer/root/usr/lib/systemd/system', import.meta.url))
const hasAnalyzer = spawnSync('systemd-analyze', ['--version']).status === 0

export const NEEDS_ANALYZER = { skip: !hasAnalyzer && 'needs systemd-analyze' }

export const unitText = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')

/** Its settings, each with all its values, whatever the section. */
export async function unitSettings(name: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const line of (await unitText(name)).split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), value as string])
  }
  return found
}

/** Asserts that systemd takes these units and, where that is asked, finds them well shut in. */
export async function assertTaken(names: readonly string[], { shutIn }: { shutIn: boolean }): Promise<void> {
  const copies = await mkdtemp(join(tmpdir(), 'pgctl-unit-'))
  try {
    const paths = names.map((name) => join(copies, name))
    // The program is in the image, and not on this computer.
    for (const [at, name] of names.entries())
      await writeFile(paths[at] as string, (await unitText(name)).replaceAll('/usr/bin/pgctl', '/bin/true'))
    const { stdout, stderr } = await run('systemd-analyze', ['verify', ...paths])
    assert.equal(stdout + stderr, '')
    // Of ten, by the analyzer's own measure; it fails above.
    if (shutIn) await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', ...paths])
  } finally {
    await rm(copies, { recursive: true, force: true })
  }
}
