import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childEnd, endChild, startChild } from '../children.ts'
import { cpuOfEndedChildren } from '../process-figures.ts'
import { round } from '../results.ts'
import type { Bench, Row, Subject } from '../subject.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** How long the tree of the bastion's image takes to come, with a cache of this subject's own. */
export const imageTree: Subject = {
  name: 'image-tree',
  title: "The build of the bastion's image",
  method:
    'What `npm run peers -- bastion-tree` takes. From nothing: packages from the archive, Node from the registry, kubectl and helm from their modules with empty caches of Go, then the tree. Asks the network, and so runs only by its name.',
  where: 'registries and this computer',
  others: [],
  within: 3_600_000,
  onlyByName: true,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    if (process.getuid?.() !== 0) throw new Error('only root makes a tree')
    const cache = await mkdtemp(join(tmpdir(), 'pgctl-bench-tree-'))
    try {
      yield await timed('cold: parts and tree from nothing', cache, signal)
      await removeTree(cache)
      yield await timed('the parts are there, and checked anew: the tree', cache, signal)
      yield await timed('cached: both are there', cache, signal)
    } finally {
      await rm(cache, { recursive: true, force: true })
    }
  },
}

/** One run of the command; beside its time, how busy this computer was with it and with others. */
async function timed(figure: string, cache: string, signal: AbortSignal): Promise<Row> {
  const environment = {
    ...process.env,
    ...{ XDG_CACHE_HOME: cache, GOCACHE: join(cache, 'go-build'), GOMODCACHE: join(cache, 'go-mod') },
  }
  const load = loadavg()[0] ?? 0
  const before = await cpuOfEndedChildren()
  const began = performance.now()
  const child = startChild(process.execPath, ['bin/peers.ts', 'bastion-tree'], {
    ...{ cwd: ROOT, env: environment, stdio: ['ignore', 'ignore', 'inherit'] },
  })
  const onAbort = () => void endChild(child)
  signal.addEventListener('abort', onAbort, { once: true })
  const status = await childEnd(child)
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  if (status !== 0) throw new Error(`npm run peers ended with ${status}`)
  const seconds = (performance.now() - began) / 1000
  const after = await cpuOfEndedChildren()
  const cpu = before === undefined || after === undefined ? '' : `, ${round(after - before)} s of CPU`
  return { figure, measured: `${round(seconds)} s${cpu} (load ${load.toFixed(1)} before it)` }
}

async function removeTree(cache: string): Promise<void> {
  const peers = join(cache, 'pgctl', 'peers')
  for (const name of await readdir(peers))
    if (name.startsWith('bastion-tree-')) await rm(join(peers, name), { recursive: true })
}
