import type { BastionGroup, GroupSizes } from './control.ts'

/** The sizes of a group as its tag has them: `MINIMUM/MAXIMUM/DESIRED`. */
export function formatSizes({ minimum, maximum, desired }: GroupSizes): string {
  return `${minimum}/${maximum}/${desired}`
}

/** Undefined for anything that is no sizes of a group: somebody may have written the tag by hand. */
export function parseSizes(text: string): GroupSizes | undefined {
  const [, minimum, maximum, desired] = (/^(\d{1,3})\/(\d{1,3})\/(\d{1,3})$/.exec(text) ?? []).map(Number)
  if (minimum === undefined || maximum === undefined || desired === undefined) return undefined
  return minimum <= desired && desired <= maximum ? { minimum, maximum, desired } : undefined
}

/** What the group is set to so that it runs: what it had before it was stopped, and one machine at the least. */
export function runningSizes({ sizes, remembered }: Pick<BastionGroup, 'sizes' | 'remembered'>): GroupSizes {
  const { minimum, maximum, desired } = remembered ?? sizes
  const wanted = Math.max(1, desired)
  return { minimum, maximum: Math.max(1, maximum, wanted), desired: wanted }
}
