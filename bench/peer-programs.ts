import { findProgram } from '../test/peers/places.ts'
import { type Peer, type PeerName, peerNamed } from '../test/peers/table.ts'

/** The path of another project's program, or undefined where `npm run peers` has not installed it. */
export function peerProgram(name: PeerName): string | undefined {
  return findProgram(peerOf(name))
}

/** Its name with the version that was measured. */
export function peerTitle(name: PeerName): string {
  return `${name} ${peerOf(name).version}`
}

function peerOf(name: PeerName): Peer {
  const peer = peerNamed(name)
  if (peer === undefined) throw new Error(`there is no peer ${name}`)
  return peer
}
