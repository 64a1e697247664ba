import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { readSavedPort, savePort } from '#core/tunnel/port-assignments.ts'
import { MemoryStore } from '../../support/memory-store.ts'

describe('saved ports', { timeout: 10_000 }, () => {
  it('are remembered by workspace and target', async () => {
    const store = new MemoryStore()
    assert.equal(await readSavedPort(store, 'ws', 'grafana'), undefined)
    await savePort(store, 'ws', 'grafana', 24_817)
    await savePort(store, 'other', 'grafana', 24_818)
    assert.equal(await readSavedPort(store, 'ws', 'grafana'), 24_817)
    assert.equal(await readSavedPort(store, 'other', 'grafana'), 24_818)
  })

  it('are not written when nothing changes', async () => {
    const store = new MemoryStore()
    await savePort(store, 'ws', 'grafana', 24_817)
    const before = await store.read('tunnel-ports')
    await savePort(store, 'ws', 'grafana', 24_817)
    assert.equal((await store.read('tunnel-ports'))?.version, before?.version)
  })

  it('are kept when many tunnels write at once', async () => {
    const store = new MemoryStore()
    const targets = Array.from({ length: 12 }, (_, index) => `t${index}`)
    await Promise.all(targets.map((target, index) => savePort(store, 'ws', target, 20_000 + index)))
    for (const [index, target] of targets.entries())
      assert.equal(await readSavedPort(store, 'ws', target), 20_000 + index)
  })

  it('give up against a store that always conflicts, and pass other errors on at once', async () => {
    for (const code of ['state-conflict', 'state-invalid'] as const) {
      const store = new MemoryStore()
      let writes = 0
      store.write = async () => {
        writes++
        throw new PgctlError(code, 'no')
      }
      await assert.rejects(savePort(store, 'ws', 'grafana', 1), (error) => isPgctlError(error, code))
      assert.equal(writes, code === 'state-conflict' ? 20 : 1)
    }
  })

  for (const value of [null, [], 'x', { 'ws/grafana': '24817' }, { 'ws/grafana': 0 }, { 'ws/grafana': 1.5 }])
    it(`refuses ${JSON.stringify(value)}`, async () => {
      const store = new MemoryStore()
      await store.write('tunnel-ports', value)
      await assert.rejects(readSavedPort(store, 'ws', 'grafana'), (error) =>
        isPgctlError(error, 'state-invalid'),
      )
    })
})
