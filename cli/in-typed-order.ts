/**
 * The words as they were typed: the parser sorts those that are no flags by where each first occurs, so that of two
 * equal ones the second comes too early. `typed` is the whole command line.
 */
export function inTypedOrder(typed: readonly string[], parsed: readonly unknown[]): string[] {
  const left = parsed.map(String)
  return typed.flatMap((word) => {
    const at = left.indexOf(word)
    return at === -1 ? [] : left.splice(at, 1)
  })
}
