import { type CopyOptions, download } from '#core/transfer/io/download.ts'
import { upload } from '#core/transfer/io/upload.ts'
import type { Places } from '#core/transfer/place.ts'
import type { CopyReport } from '#core/transfer/report.ts'

/** Copies between this computer and the bastion, in the direction of the places. */
export function copy(
  places: Places,
  options: Omit<CopyOptions, 'near' | 'far'>,
  signal: AbortSignal,
): Promise<CopyReport> {
  const { direction, near, far } = places
  return (direction === 'download' ? download : upload)({ ...options, near, far }, signal)
}
