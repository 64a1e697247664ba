import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PgctlError } from '#core/errors.ts'
import { checkLicense, type LicenseRequest } from '#core/license/check.ts'
import { examineFile } from '#core/license/file.ts'
import { changeRecord } from '#core/license/record-store.ts'
import type { Store, Stored } from '#core/store.ts'
import { seal } from '#sandbox/vendor/keys.ts'
import { scaled } from '../../support/boxed.ts'
import {
  BEGINS,
  DAY,
  ENDS,
  FIRST,
  GRACE_DAYS,
  INSTALLATION,
  issue,
  keyList,
  LICENSE,
  PRODUCT,
  SECOND,
  STRANGER,
  seconds,
  severityOf,
  TRUST,
  utc,
} from '../../support/licenses.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryStore } from '../../support/memory-store.ts'

/**
 * The license of an installation against a model of it that knows four things: which document it holds, when that ends,
 * which of the two copies are whole, and what a backup has of all this. Whatever the commands are and in whatever order,
 * the verdict is the one of that document's own dates.
 */

const SECOND_BEGINS = utc('2026-03-01T00:00:00')
const RECORD = `license/${INSTALLATION}/record`
const COPY = `license/${INSTALLATION}/copy`

interface Held {
  readonly sequence: number
  readonly ends: number
  /** Whether the list with the second key has come. */
  readonly rotated: boolean
}

interface Model {
  held: Held
  /** The vendor's own count, which no restoring takes back. */
  issued: number
  now: number
  whole: { record: boolean; copy: boolean }
  backup: { held: Held; whole: Model['whole'] } | undefined
}

class Real {
  readonly store = new MemoryStore()
  readonly clock = new ManualClock(BEGINS + DAY)
  backup: Map<string, Stored> | undefined

  async install(content: string): Promise<void> {
    const place = { base: TRUST, now: this.clock.now().wall, installation: INSTALLATION, product: PRODUCT }
    await changeRecord(this.store, INSTALLATION, (record) => ({
      record: examineFile(record, content, place).record,
      result: undefined,
    }))
  }

  ask(reply: (request: LicenseRequest, now: number) => string, store: Store = this.store) {
    const check = {
      store,
      base: TRUST,
      product: PRODUCT,
      installation: INSTALLATION,
      license: LICENSE,
      version: '0.1.0',
      clock: this.clock,
      random: (length: number) => new Uint8Array(length),
    }
    return checkLicense(check, async (request) => reply(request, this.clock.now().wall))
  }
}

type Command = fc.AsyncCommand<Model, Real>

const answer = (request: LicenseRequest, now: number, content: object = {}, key = FIRST) =>
  seal('answer', key, { nonce: request.nonce, lic: request.license, time: seconds(now), ...content })

/** A document that the vendor issues now, by the key that the installation knows best. */
const renewal = (seq: number, ends: number, now: number, rotated: boolean) =>
  issue(
    { seq, exp: seconds(ends), iss_at: seconds(now), file_exp: seconds(now + 30 * DAY) },
    // The second key signs from its own day on.
    rotated && now >= SECOND_BEGINS ? SECOND : FIRST,
  )

/** After every command: what is held decides, by its own dates. */
async function holds(model: Model, real: Real): Promise<void> {
  const { standing } = await real.ask(() => {
    throw new PgctlError('endpoint-unreachable', 'down')
  })
  const { sequence, ends } = model.held
  const { now } = model
  assert.equal(standing.license?.sequence, sequence)
  const expected = now < ends ? 0 : now < ends + GRACE_DAYS * DAY ? 1 : 2
  assert.equal(severityOf(standing.verdict), expected, standing.verdict)
  // Asking writes the note that it was asked, and with it both copies.
  model.whole = { record: true, copy: true }
}

function command(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command {
  return {
    check,
    async run(model, real) {
      await run(model, real)
      await holds(model, real)
    },
    toString: () => name,
  }
}

const pass = (days: number): Command =>
  command(`${days} days pass`, async (model, real) => {
    real.clock.advance(days * DAY)
    model.now += days * DAY
  })

/** Answers of nobody, and none at all. */
const futile = (what: 'outage' | 'portal' | 'forged' | 'replayed' | 'older' | 'other place'): Command =>
  command(what, async (_, real) => {
    await real.ask((request, now) => {
      switch (what) {
        case 'outage':
          throw new PgctlError('endpoint-unreachable', 'down')
        case 'portal':
          return '<html>'
        case 'forged':
          return answer(request, now, { document: issue({ seq: 99 }, STRANGER) }, STRANGER)
        case 'replayed':
          return answer({ ...request, nonce: 'x' }, now, { document: issue({ seq: 99 }) })
        case 'older':
          return answer(request, now, { document: issue({ seq: 1, exp: seconds(BEGINS + DAY) }) })
        case 'other place':
          return answer(request, now, { document: issue({ seq: 99, inst: `ins-${'00'.repeat(16)}` }) })
      }
    })
  })

const renew = command('renewed', async (model, real) => {
  const { held, now } = model
  const sequence = ++model.issued
  const ends = Math.max(held.ends, now) + 60 * DAY
  await real.ask((request, at) =>
    answer(request, at, { document: renewal(sequence, ends, now, held.rotated) }),
  )
  model.held = { ...held, sequence, ends }
})

const rotate = command('key list', async (model, real) => {
  await real.ask((request, now) => `${keyList()}\n${answer(request, now)}`)
  model.held = { ...model.held, rotated: true }
})

const race = (writers: number): Command =>
  command(`${writers} at once`, async (model, real) => {
    const { held, now } = model
    const first = model.issued + 1
    model.issued += writers
    const ends = Math.max(held.ends, now) + 30 * DAY
    await Promise.all(
      Array.from({ length: writers }, (_, at) =>
        real.ask((request, moment) =>
          answer(request, moment, { document: renewal(first + at, ends, now, held.rotated) }),
        ),
      ),
    )
    model.held = { ...held, sequence: model.issued, ends }
  })

const cut = (which: 'record' | 'copy'): Command =>
  command(
    `the ${which} is cut`,
    async (model, real) => {
      real.store.documents.set(which === 'record' ? RECORD : COPY, { value: { v: 1 }, version: 'x' })
      model.whole = { ...model.whole, [which]: false }
    },
    ({ whole }) => whole.record && whole.copy,
  )

const backUp = command('backup', async (model, real) => {
  real.backup = structuredClone(real.store.documents)
  model.backup = { held: model.held, whole: model.whole }
})

const restore = command(
  'restore',
  async (model, real) => {
    const { held, whole } = model.backup as NonNullable<Model['backup']>
    real.store.documents.clear()
    for (const [key, value] of real.backup ?? []) real.store.documents.set(key, structuredClone(value))
    Object.assign(model, { held, whole })
  },
  ({ backup }) => backup !== undefined,
)

describe('the license of an installation, by a model of it', () => {
  const commands = fc.commands(
    [
      fc.integer({ min: 0, max: 40 }).map(pass),
      fc.constantFrom('outage', 'portal', 'forged', 'replayed', 'older', 'other place').map(futile),
      fc.integer({ min: 2, max: 4 }).map(race),
      fc.constantFrom('record', 'copy').map(cut),
      ...[renew, rotate, backUp, restore].map((each) => fc.constant(each)),
    ],
    { maxCommands: 25 },
  )

  it('is what the vendor has signed and sent, and what a backup had where that was restored', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (steps) => {
        const setup = async () => {
          const real = new Real()
          await real.install(issue())
          const model: Model = {
            held: { sequence: 1, ends: ENDS, rotated: false },
            issued: 1,
            now: BEGINS + DAY,
            whole: { record: true, copy: true },
            backup: undefined,
          }
          return { model, real }
        }
        await fc.asyncModelRun(setup, steps)
      }),
      { numRuns: scaled(50) },
    )
  })
})
