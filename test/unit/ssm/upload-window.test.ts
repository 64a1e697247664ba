import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UploadWindow } from '#core/ssm/upload-window.ts'

/** Acknowledges as much as it takes for the window to change or to want a probe; fails if it never does. */
function grow(window: UploadWindow): number {
  const { count, messageBytes } = window
  for (let acknowledged = 1; acknowledged <= 5_000; acknowledged++) {
    window.markFull()
    window.acknowledgedCleanly()
    const changed = window.count !== count || window.messageBytes !== messageBytes
    if (changed || window.probeBytes !== undefined) return acknowledged
  }
  return assert.fail('it does not grow')
}

function acceptProbe(window: UploadWindow): void {
  grow(window)
  const bytes = window.probeBytes
  assert.ok(bytes !== undefined)
  window.probeSent()
  window.probeAccepted(bytes)
}

describe('UploadWindow', { timeout: 5_000 }, () => {
  it('starts with what every agent takes', () => {
    const window = new UploadWindow()
    assert.deepEqual([window.count, window.messageBytes, window.probeBytes], [16, 1_024, undefined])
  })

  it('doubles the count after as many clean acknowledgements, and then asks for a probe of the doubled size', () => {
    const window = new UploadWindow()
    assert.deepEqual([grow(window), window.count], [16, 32])
    assert.deepEqual([grow(window), window.count], [32, 64])
    assert.equal(grow(window), 64)
    assert.deepEqual([window.count, window.messageBytes, window.probeBytes], [64, 1_024, 2_048])
  })

  it('grows by accepted probes to 32 KiB and no further', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    for (const bytes of [2_048, 4_096, 8_192, 16_384, 32_768]) {
      acceptProbe(window)
      assert.equal(window.messageBytes, bytes)
    }
    for (let i = 0; i < 2_000; i++) {
      window.markFull()
      window.acknowledgedCleanly()
    }
    assert.deepEqual([window.count, window.messageBytes, window.probeBytes], [64, 32_768, undefined])
  })

  it('does not grow while it is never full: nothing was proven', () => {
    const window = new UploadWindow()
    for (let i = 0; i < 1_000; i++) window.acknowledgedCleanly()
    assert.equal(window.count, 16)
  })

  it('asks for one probe at a time', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    grow(window)
    window.probeSent()
    for (let i = 0; i < 1_000; i++) {
      window.markFull()
      window.acknowledgedCleanly()
    }
    assert.equal(window.probeBytes, undefined)
  })

  it('remembers a refused size for good, and goes on with the one before', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    acceptProbe(window)
    grow(window)
    window.probeSent()
    window.probeFailed(4_096, true)
    assert.deepEqual([window.messageBytes, window.refusedMessageBytes], [2_048, 4_096])
    for (let i = 0; i < 5_000; i++) {
      window.markFull()
      window.acknowledgedCleanly()
    }
    assert.deepEqual([window.messageBytes, window.probeBytes], [2_048, undefined])
  })

  it('tries a size again that failed together with others, once', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    for (const refused of [undefined, 2_048]) {
      grow(window)
      assert.equal(window.probeBytes, 2_048)
      window.probeSent()
      window.probeFailed(2_048, false)
      assert.equal(window.refusedMessageBytes, refused)
    }
  })

  it('falls back the way it came, to 4 messages of 1 KiB', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    acceptProbe(window)
    const steps = Array.from({ length: 7 }, () => {
      window.fallBack()
      return [window.count, window.messageBytes]
    })
    assert.deepEqual(steps, [
      [64, 1_024],
      [32, 1_024],
      [16, 1_024],
      [8, 1_024],
      [4, 1_024],
      [4, 1_024],
      [4, 1_024],
    ])
  })

  it('grows more slowly after each fall-back, and still grows', () => {
    const window = new UploadWindow()
    window.fallBack()
    assert.deepEqual([grow(window), window.count], [8 * 2, 16])
    window.fallBack()
    assert.equal(grow(window), 8 * 4)
    for (let i = 0; i < 20; i++) window.fallBack()
    assert.equal(grow(window), 4 * 16)
  })

  it('does not take a size that it has meanwhile fallen back from', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    acceptProbe(window)
    grow(window)
    window.probeSent()
    window.fallBack()
    window.probeAccepted(4_096)
    assert.equal(window.messageBytes, 1_024)
  })

  it('drops a probe that was due when the way stalls', () => {
    const window = new UploadWindow()
    grow(window)
    grow(window)
    grow(window)
    window.fallBack()
    assert.equal(window.probeBytes, undefined)
  })
})
