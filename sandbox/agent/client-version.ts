/** Whether a dotted version is `wanted` or later; an absent or unreadable one is earlier than everything. */
export function isAtLeast(version: string | undefined, wanted: string): boolean {
  const have = partsOf(version ?? '')
  const want = partsOf(wanted)
  for (let i = 0; i < Math.max(have.length, want.length); i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

function partsOf(version: string): number[] {
  return /^\d+(\.\d+)*$/.test(version) ? version.split('.').map(Number) : [-1]
}

/** From here on a client multiplexes port sessions; an older one gets one raw stream. */
export const MULTIPLEXING_SINCE = '1.1.70'
/** From here on a client shows standard error apart; an older one gets it among the output. */
export const SEPARATE_STDERR_SINCE = '1.2.312.0'
/** The last version that is sent smux keep-alives, which defeat the session's idle timeout. */
export const KEEP_ALIVE_UNTIL = '1.2.331.0'
