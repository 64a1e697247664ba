import { describe, it } from 'node:test'
import { TerminalSession } from '#core/ssm/terminal-session.ts'
import { runSeeds, seedsOf } from '../../support/link-simulator.ts'
import { simulateTerminalSession } from '../../support/terminal-simulation.ts'

const makeClient = (random: (length: number) => Uint8Array) =>
  new TerminalSession({ sessionId: 'simulated', targetId: 'i-0a1b2c3d4e5f60718', random })

const makeBulkClient = (random: (length: number) => Uint8Array) =>
  new TerminalSession({
    ...{ sessionId: 'simulated', targetId: 'i-0a1b2c3d4e5f60718', random, bulkInput: true },
  })

describe('simulated terminal sessions', { timeout: 120_000 }, () => {
  it('take input in bulk, every byte once and in order, over 60 bad networks', () =>
    runSeeds(seedsOf(34_000, 60), (seed) =>
      simulateTerminalSession({
        ...{ seed, type: 'InteractiveCommands', encrypted: true, makeClient: makeBulkClient },
      }),
    ))

  const types = ['Standard_Stream', 'InteractiveCommands', 'NonInteractiveCommands'] as const
  for (const [i, type] of types.entries()) {
    for (const encrypted of [false, true]) {
      it(`${type}${encrypted ? ', encrypted,' : ''} show and take every byte, over 60 bad networks`, () => {
        const first = 30_000 + i * 1_000 + (encrypted ? 500 : 0)
        runSeeds(seedsOf(first, 60), (seed) => simulateTerminalSession({ seed, type, encrypted, makeClient }))
      })
    }
  }
})
