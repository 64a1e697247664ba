import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BastionControl, BastionGroup, GroupSizes } from '#core/bastion/control.ts'
import { checkStartable, describeOldImage, imageAge } from '#core/bastion/image-age.ts'
import { startGroup } from '#core/bastion/io/start.ts'
import { PgctlError } from '#core/errors.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-11-26T08:00:00Z')
const of = (days: number) => ({ id: 'ami-1', createdAt: NOW - days * DAY })

describe('the age of an image', () => {
  it('is told from thirty days on, and starts nothing from sixty days on', () => {
    for (const [days, told, starts] of [
      [0, false, true],
      [29.9, false, true],
      [30, true, true],
      [59.9, true, true],
      [60, true, false],
      [500, true, false],
    ] as const) {
      assert.equal(describeOldImage(of(days), NOW) !== undefined, told, `${days} days`)
      if (starts) checkStartable(of(days), NOW)
      else assert.throws(() => checkStartable(of(days), NOW), { code: 'unhealthy' })
    }
  })

  it('is nothing where it is not known, and not negative for a clock that is behind', () => {
    for (const image of [undefined, { id: 'ami-1', createdAt: undefined }]) {
      assert.deepEqual([imageAge(image, NOW), describeOldImage(image, NOW)], [undefined, undefined])
      checkStartable(image, NOW)
    }
    assert.equal(imageAge(of(-2), NOW), 0)
  })
})

describe('starting a bastion of an old image', () => {
  const NONE: GroupSizes = { minimum: 0, maximum: 1, desired: 0 }
  function scene(days: number | undefined) {
    const resized: number[] = []
    const group: BastionGroup = { name: 'g', sizes: NONE, remembered: undefined, template: '1', machines: [] }
    const control: BastionControl = {
      look: async () => group,
      image: async () => {
        if (days === undefined) throw new PgctlError('permission-denied', 'not allowed')
        return of(days)
      },
      resize: async ({ desired }) => void resized.push(desired),
      useTemplate: async () => {},
      replace: async () => {},
    }
    return { control, resized }
  }

  it('is refused, and done when somebody insists', async () => {
    const { control, resized } = scene(72)
    await assert.rejects(startGroup(control, { now: NOW }), {
      code: 'unhealthy',
      message: 'the bastion is not started: its image is 72 days old',
    })
    assert.deepEqual(resized, [])
    await startGroup(control, { now: NOW, oldImage: true })
    assert.deepEqual(resized, [1])
  })

  it('is done by who may not see how old it is', async () => {
    const { control, resized } = scene(undefined)
    await startGroup(control, { now: NOW })
    assert.deepEqual(resized, [1])
  })
})
