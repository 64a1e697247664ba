import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { derivePort, FIRST_PORT, fnv1a, PORT_COUNT, planLocalPort } from '#core/tunnel/local-port.ts'

describe('fnv1a', { timeout: 10_000 }, () => {
  // The test vectors of the algorithm's authors.
  for (const [text, hash] of [
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ] as const)
    it(JSON.stringify(text), () => assert.equal(fnv1a(text), hash))
})

describe('planLocalPort', { timeout: 10_000 }, () => {
  const names = { workspace: 'paragon-acme-5d1f0c2e', target: 'grafana' }

  it('gives every colleague the same port', () => {
    assert.equal(derivePort(names.workspace, names.target), 31_560)
    assert.notEqual(derivePort('paragon-other-00000000', 'grafana'), 31_560)
  })

  it('takes any free port for 0, and the asked one alone otherwise', () => {
    assert.deepEqual(planLocalPort({ ...names, asked: 0, saved: 4 }), { kind: 'any' })
    assert.deepEqual(planLocalPort({ ...names, asked: 8080, saved: 4 }), {
      kind: 'exact',
      candidates: [8080],
    })
  })

  it('tries the derived port, then all others of the range, each once', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (workspace, target) => {
        const plan = planLocalPort({ workspace, target })
        assert.ok(plan.kind === 'preferred')
        const ports = [...plan.candidates]
        assert.equal(ports[0], plan.home)
        assert.equal(plan.home, derivePort(workspace, target))
        assert.equal(new Set(ports).size, PORT_COUNT)
        assert.ok(ports.every((port) => port >= FIRST_PORT && port < FIRST_PORT + PORT_COUNT))
        const last = FIRST_PORT + PORT_COUNT - 1
        for (let i = 1; i < 5; i++)
          assert.equal(ports[i], ports[i - 1] === last ? FIRST_PORT : (ports[i - 1] as number) + 1)
      }),
      { numRuns: 20 },
    )
  })

  it('tries a saved port first, inside the range or outside, and never twice', () => {
    for (const saved of [15_432, 31_561]) {
      const plan = planLocalPort({ ...names, saved })
      assert.ok(plan.kind === 'preferred')
      const ports = [...plan.candidates]
      assert.equal(plan.home, saved)
      assert.deepEqual(ports.slice(0, 2), [saved, 31_560])
      assert.equal(new Set(ports).size, ports.length)
    }
  })
})
