import { describeWall, type Forecast, firstWall } from '#core/snapshots/forecast.ts'
import { formatDay } from '#core/snapshots/zone.ts'
import type { SnapshotView } from '../snapshot-reading.ts'
import { columns } from './columns.ts'
import type { Paint } from './error.ts'

/** What the quotas will be like. */
export function renderForecast(ahead: Forecast, { input, policyFrom }: SnapshotView, paint: Paint): string {
  const { zone } = input.policy
  const rows = ahead.quotas.map(({ quota, now, peak, peakAt, limit }) => [
    `${now} now`,
    `${peak} at most`,
    `of ${limit}`,
    `on ${formatDay(zone.wallAt(peakAt))}`,
    quota,
  ])
  const wall = firstWall(ahead)
  return [
    paint('dim', `${ahead.days} days by ${policyFrom}`),
    ...columns(rows),
    wall === undefined
      ? paint('green', 'it fits')
      : paint('red', `it does not fit: ${describeWall(wall, zone)}`),
  ].join('\n')
}

export function forecastDocument(ahead: Forecast): object {
  const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  return {
    days: ahead.days,
    fits: firstWall(ahead) === undefined,
    quotas: ahead.quotas.map(({ quota, limit, now, foreign, peak, peakAt, wallAt }) => ({
      ...{ quota, limit, now, foreign, peak, peakAt: iso(peakAt), wallAt: iso(wallAt) },
    })),
  }
}
