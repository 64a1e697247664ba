import { PgctlError } from '#core/errors.ts'
import { clausesOf } from './clauses.ts'
import { DEFAULT_KNOBS, type Knobs, type KnobsChange, knobsChangeSchema } from './knobs.ts'

const NEXT = 'see their names and how they stand: pgctl sandbox knobs'

/**
 * The change that words such as `bastion=stopped` or `exposed=bastion-port,bucket` mean: lists are separated by
 * commas and empty after a bare `=`, all else is JSON or, where it is none, text.
 * @throws PgctlError `usage`
 */
export function changeOfWords(words: readonly string[]): KnobsChange {
  const change: Record<string, unknown> = {}
  for (const word of words) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    if (name === undefined || value === undefined)
      throw new PgctlError('usage', `"${word}" turns no knob`, {
        why: 'it takes a name, an equals sign and a value: bastion=stopped',
        next: NEXT,
      })
    change[name] = readValue(value, DEFAULT_KNOBS[name as keyof Knobs])
  }
  const parsed = knobsChangeSchema.safeParse(change)
  if (parsed.success) return parsed.data
  throw new PgctlError('usage', 'a sandbox has no such knob, or not such a value of it', {
    why: clausesOf(parsed.error),
    next: NEXT,
  })
}

function readValue(text: string, present: Knobs[keyof Knobs] | undefined): unknown {
  if (Array.isArray(present)) return text === '' ? [] : text.split(',')
  if (typeof present === 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** One knob a line, as `changeOfWords` would read it; what is not as it was at first is marked. */
export function wordsOfKnobs(
  knobs: Knobs,
): ReadonlyArray<{ readonly text: string; readonly turned: boolean }> {
  return Object.entries(knobs).map(([name, value]) => {
    const text = Array.isArray(value)
      ? value.join(',')
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
    const first = DEFAULT_KNOBS[name as keyof Knobs]
    return { text: `${name}=${text}`, turned: JSON.stringify(value) !== JSON.stringify(first) }
  })
}
