import * as z from 'zod'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { noteBastionVersion } from '#core/license/bastion-version.ts'
import { checkLicense } from '#core/license/check.ts'
import { licenseIdOf } from '#core/license/installation-id.ts'
import { figuresOf, publicationOf } from '#core/license/publication.ts'
import { currentOf, trustOf } from '#core/license/record.ts'
import { readRecord } from '#core/license/record-store.ts'
import { digestOf } from '#core/license/seal.ts'
import { type LicenseFunctionDeps, wireLicenseFunction } from './deps.ts'
import { createHandler, type HandlerOptions } from './handler.ts'
import { METRICS_DIMENSION, METRICS_NAMESPACE } from './names.ts'

/** What the schedule, a person and the bastion's unit send; the unit says which pgctl the bastion has. */
const eventSchema = z.discriminatedUnion('trigger', [
  z.strictObject({ trigger: z.enum(['schedule', 'person']) }),
  z.strictObject({
    trigger: z.literal('boot'),
    version: z
      .string()
      .regex(/^\d+\.\d+\.\d+[0-9A-Za-z.-]{0,32}$/)
      .optional(),
  }),
])

/**
 * Verifies the license and makes the verdict known. It is advice: nothing here, and nothing that this function's role
 * may do, stops or changes anything else.
 */
export function createLicenseVerify(
  deps: () => LicenseFunctionDeps,
  options: Pick<HandlerOptions<unknown>, 'sink' | 'now'> = {},
) {
  return createHandler({
    name: 'license-verify',
    event: eventSchema,
    metrics: { namespace: METRICS_NAMESPACE, dimension: METRICS_DIMENSION },
    ...options,
    async run({ event, signal }) {
      const { release, base, installation, version, store, door, licenseKey, publish } = deps()
      if (event.trigger === 'boot' && event.version !== undefined)
        await noteBastionVersion(store, installation, event.version, systemClock.now().wall)
      const { record } = await readRecord(store, installation)
      const isKnown = currentOf(record, trustOf(record, base)) !== undefined
      const license = isKnown ? undefined : licenseIdOf(await licenseKey(signal))
      const clock = systemClock
      const checked = await checkLicense(
        {
          store,
          base,
          product: release.product,
          installation,
          license,
          version,
          clock,
          random: systemRandom,
        },
        (request) => door.send('license', request, { trigger: event.trigger, signal }),
      )
      const { record: after } = await readRecord(store, installation)
      const { digest } = checked.standing
      const document = after.documents.find(({ text }) => digestOf(text) === digest)?.text
      const publication = publicationOf(checked, document, clock.now().wall)
      await publish(JSON.stringify(publication), signal)
      const { verdict, sequence, asked } = publication
      return { fields: { verdict, sequence, asked }, figures: { ...figuresOf(checked) } }
    },
  })
}

let wired: LicenseFunctionDeps | undefined

export const handler = createLicenseVerify(() => {
  wired ??= wireLicenseFunction(process.env)
  return wired
})
