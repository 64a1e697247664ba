/**
 * Compares versions as Debian does: runs of digits by number, others by letter, `~` before everything, an epoch
 * before all of it. Dotted versions of others fit in.
 * @returns less than, equal to or more than 0.
 */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [split(left), split(right)]
  return a.epoch - b.epoch || comparePart(a.upstream, b.upstream) || comparePart(a.revision, b.revision)
}

function split(version: string): { epoch: number; upstream: string; revision: string } {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/.exec(version) ?? []
  const dash = rest.lastIndexOf('-')
  if (dash < 0) return { epoch: Number(epoch), upstream: rest, revision: '' }
  return { epoch: Number(epoch), upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) }
}

function comparePart(left: string, right: string): number {
  let [a, b] = [left, right]
  while (a !== '' || b !== '') {
    const [wordA, wordB] = [/^\D*/.exec(a)?.[0] ?? '', /^\D*/.exec(b)?.[0] ?? '']
    const words = compareWords(wordA, wordB)
    if (words !== 0) return words
    a = a.slice(wordA.length)
    b = b.slice(wordB.length)
    const [digitsA, digitsB] = [/^\d*/.exec(a)?.[0] ?? '', /^\d*/.exec(b)?.[0] ?? '']
    const numbers = BigInt(digitsA || '0') - BigInt(digitsB || '0')
    if (numbers !== 0n) return numbers < 0n ? -1 : 1
    a = a.slice(digitsA.length)
    b = b.slice(digitsB.length)
  }
  return 0
}

function compareWords(left: string, right: string): number {
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = rank(left[at]) - rank(right[at])
    if (difference !== 0) return difference
  }
  return 0
}

/** The end of a word comes after `~` and before all else, letters before other signs. */
function rank(sign: string | undefined): number {
  if (sign === undefined) return 0
  if (sign === '~') return -1
  return /[A-Za-z]/.test(sign) ? sign.charCodeAt(0) : sign.charCodeAt(0) + 256
}
