import { describe, it, type TestContext } from 'node:test'
import { findProgram } from '../peers/places.ts'
import { type PeerName, peerNamed } from '../peers/table.ts'

/** Other people's programs in tests: one that is missing skips what needs it, or fails it with `PGCTL_PEERS=required`. */

const required = process.env['PGCTL_PEERS'] === 'required'

/** The path of a peer's program. @throws Error when it is not installed. */
export function programOf(name: PeerName): string {
  const peer = peerNamed(name)
  const program = peer && findProgram(peer)
  if (program === undefined) throw new Error(`${name} is not installed: npm run peers -- ${name}`)
  return program
}

/** Why a test that needs these peers cannot run here; undefined where it can, or where it must. */
export function lacking(...names: PeerName[]): string | undefined {
  const missing = names.filter((name) => {
    const peer = peerNamed(name)
    return peer === undefined || findProgram(peer) === undefined
  })
  if (missing.length === 0 || required) return undefined
  return `needs ${missing.join(' and ')}: npm run peers -- ${missing.join(' ')}`
}

/**
 * A suite that needs peers. The runner does not count the tests of a suite that is skipped, so that one test stands
 * for them: the summary then says how many suites have not run.
 */
export function describeWith(
  names: readonly PeerName[],
  title: string,
  options: { readonly timeout: number },
  body: () => void,
): void {
  const reason = lacking(...names)
  describe(title, options, () => {
    if (reason === undefined) body()
    else it(`needs ${names.join(', ')}`, (test: TestContext) => test.skip(reason))
  })
}
