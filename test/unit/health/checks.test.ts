import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import { CHECKS, type CheckResult, isHealthy, type Outcome, runChecks } from '#core/health/checks.ts'

const ok = async (): Promise<Outcome> => ({ state: 'ok', says: 'fine' })
const broken = async (): Promise<Outcome> => {
  throw new PgctlError('agent-offline', 'it does not answer', { why: 'no ping', next: 'restart it' })
}
const toError = (error: unknown) => {
  if (error instanceof PgctlError) return error
  throw error
}
const run = async (runners: Parameters<typeof runChecks>[0]) => {
  const seen: CheckResult[] = []
  const results = await runChecks(runners, (result) => seen.push(result), toError)
  assert.deepEqual(seen, results, 'each is reported once, as it is known')
  return results
}

describe('the checks of doctor', () => {
  it('each needs only what comes before it', () => {
    const before = new Set<string>()
    for (const { id, needs } of CHECKS) {
      for (const need of needs) assert.ok(before.has(need), `${id} needs ${need}, which comes later`)
      before.add(id)
    }
  })

  it('are made in their order, whatever the order of the runners', async () => {
    const results = await run({ agent: ok, clock: ok, bastion: ok })
    assert.deepEqual(
      results.map(({ id }) => id),
      ['clock', 'bastion', 'agent'],
    )
  })

  it('a failure is told in the words of its error', async () => {
    const [result] = await run({ agent: broken })
    assert.deepEqual(result, {
      id: 'agent',
      state: 'failed',
      says: 'it does not answer',
      why: 'no ping',
      next: 'restart it',
    })
  })

  it('what needs a failed one is skipped, and names the one that has failed, not the one between', async () => {
    const results = await run({ agent: broken, cluster: ok, session: ok, api: ok, rights: ok })
    assert.deepEqual(
      results.map(({ id, state, says }) => [id, state, says]),
      [
        ['agent', 'failed', 'it does not answer'],
        ['cluster', 'ok', 'fine'],
        ['session', 'skipped', 'not looked at, because of agent'],
        ['api', 'skipped', 'not looked at, because of agent'],
        ['rights', 'skipped', 'not looked at, because of agent'],
      ],
    )
    assert.equal(isHealthy(results), false)
  })

  it('a warning keeps nothing from being looked at, and is healthy', async () => {
    const results = await run({
      agent: async () => ({ state: 'warning', says: 'an old one' }),
      target: ok,
    })
    assert.deepEqual(
      results.map(({ state }) => state),
      ['warning', 'ok'],
    )
    assert.equal(isHealthy(results), true)
  })

  it('a defect is no finding', async () => {
    await assert.rejects(run({ clock: () => Promise.reject(new TypeError('a defect')) }), TypeError)
  })
})
