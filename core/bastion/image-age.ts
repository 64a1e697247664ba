import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { BastionImage } from './control.ts'

/** How old the image is that a bastion is made of: what has been mended since is not in it. */

const DAY: Ms = 24 * 3_600_000
/** From here on it is told. */
export const OLD_DAYS = 30
/** From here on no bastion is started of it unless somebody insists. */
export const TOO_OLD_DAYS = 60

/** In whole days; undefined where it is not known when it was made. */
export function imageAge(image: BastionImage | undefined, now: Ms): number | undefined {
  return image?.createdAt === undefined ? undefined : Math.max(0, Math.floor((now - image.createdAt) / DAY))
}

/** What there is to say of it; undefined where it is new enough, or its age is not known. */
export function describeOldImage(image: BastionImage | undefined, now: Ms): string | undefined {
  const age = imageAge(image, now)
  return image === undefined || age === undefined || age < OLD_DAYS
    ? undefined
    : `the image ${image.id} is ${age} days old: what has been mended since is not in it`
}

/** Why no bastion ought to be started of it any more, in a clause; undefined where one may be, or nobody knows. */
export function whyTooOld(image: BastionImage | undefined, now: Ms): string | undefined {
  const age = imageAge(image, now)
  return age === undefined || age < TOO_OLD_DAYS ? undefined : `its image is ${age} days old`
}

/** @throws PgctlError `unhealthy` for an image of which no bastion ought to be started any more. */
export function checkStartable(image: BastionImage | undefined, now: Ms): void {
  const old = whyTooOld(image, now)
  if (image === undefined || old === undefined) return
  throw new PgctlError('unhealthy', `the bastion is not started: ${old}`, {
    why: `what has been mended since is not in ${image.id}; ${TOO_OLD_DAYS} days are the most`,
    next: 'deploy a newer one (pgctl bastion deploy --set ImageId=ami-…), or insist: pgctl bastion start --old-image',
  })
}
