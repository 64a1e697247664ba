// `npm run peers`: other people's programs, which tests meet, into a cache. `--list` says what is here; a name, or
// several, installs only those.
import { parseArgs } from 'node:util'
import { installPeers } from '../test/peers/install.ts'
import { findProgram, peersFolder } from '../test/peers/places.ts'
import { PEERS, type Peer, peerNamed } from '../test/peers/table.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

function chosen(names: readonly string[]): readonly Peer[] {
  if (names.length === 0) return PEERS
  const unknown = names.find((name) => peerNamed(name) === undefined)
  if (unknown !== undefined) {
    const known = PEERS.map(({ name }) => name).join(', ')
    process.stderr.write(`no peer is named ${unknown}; there are: ${known}\n`)
    process.exit(2)
  }
  return PEERS.filter(({ name }) => names.includes(name))
}

function list(peers: readonly Peer[]): void {
  for (const peer of peers) {
    const place = findProgram(peer) ?? 'not installed'
    say(`${peer.name.padEnd(24)}${peer.version.padEnd(14)}${peer.recipe.kind.padEnd(12)}${place}`)
  }
}

async function install(peers: readonly Peer[]): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)))
  try {
    const outcomes = await installPeers(peers, { signal: interrupted.signal, say })
    for (const { peer, why } of outcomes.filter(({ state }) => state === 'skipped'))
      say(`${peer.name}: skipped, ${why}`)
    for (const { peer, why } of outcomes.filter(({ state }) => state === 'failed'))
      process.stderr.write(`${peer.name}: ${why}\n`)
    const count = (wanted: string) => outcomes.filter(({ state }) => state === wanted).length
    const [failed, skipped] = [count('failed'), count('skipped')]
    say(
      `${count('here')} peers were here, ${count('installed')} installed, ${skipped} skipped, ${failed} failed: ${peersFolder()}`,
    )
    return failed > 0 || (skipped > 0 && process.env['PGCTL_PEERS'] === 'required') ? 1 : 0
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    process.stderr.write(`${(interrupted.signal.reason as Error).message}; nothing half-made is left\n`)
    return 130
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false } },
})
if (values.list) list(chosen(positionals))
else process.exitCode = await install(chosen(positionals))
