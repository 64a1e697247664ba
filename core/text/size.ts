import type { Bytes } from '#core/clock.ts'

const UNITS: readonly (readonly [size: Bytes, name: string])[] = [
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
]

/** An amount of bytes for a person: `12.3 MiB`. */
export function describeSize(bytes: Bytes): string {
  const unit = UNITS.find(([size]) => bytes >= size)
  if (unit === undefined) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  const value = bytes / unit[0]
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ${unit[1]}`
}
