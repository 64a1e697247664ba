import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Place } from '#core/image/checks.ts'
import { runTool } from '#core/image/io/programs.ts'
import { Tree } from '#core/image/io/tree.ts'
import type { Socket, UnitState } from '#core/image/machine.ts'
import { waitingSockets } from '#core/image/sockets.ts'
import { mountedOptions } from '#core/image/system-files.ts'

/** The machine that this runs on. */
export class RunningMachine extends Tree {
  override readonly place: Place = existsSync('/run/systemd/container') ? 'booted' : 'bastion'
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    super('/')
    this.#signal = signal
  }

  override async unit(name: string): Promise<UnitState | undefined> {
    // Of a template nothing runs but what is made of it.
    if (name.includes('@.')) return super.unit(name)
    const properties = ['LoadState', 'UnitFileState', 'ActiveState'].map(
      (property) => `--property=${property}`,
    )
    const answer = await this.#systemctl('show', ...properties, name)
    const field = (property: string) => new RegExp(`^${property}=(.*)$`, 'm').exec(answer)?.[1] ?? ''
    if (field('LoadState') === 'not-found') return undefined
    return {
      enabled: /^(enabled|static|alias)/.test(field('UnitFileState')),
      masked: field('LoadState') === 'masked',
      active: field('ActiveState'),
    }
  }

  override async failedUnits(): Promise<string[]> {
    const lines = await this.#systemctl('list-units', '--failed', '--plain', '--no-legend')
    return lines.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || [])
  }

  override async sockets(): Promise<Socket[]> {
    const found: Socket[] = []
    for (const protocol of ['tcp', 'udp'] as const)
      for (const family of ['', '6']) {
        const table = await readFile(`/proc/net/${protocol}${family}`, 'utf8').catch(() => '')
        found.push(...waitingSockets(table, protocol))
      }
    return found
  }

  override async sysctl(name: string): Promise<string | undefined> {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`
    return readFile(path, 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    )
  }

  override async mountOptions(path: string): Promise<string[] | undefined> {
    return mountedOptions(await readFile('/proc/self/mountinfo', 'utf8'), path)
  }

  #systemctl(...words: string[]): Promise<string> {
    return runTool(['systemctl', ...words], { signal: this.#signal })
  }
}
