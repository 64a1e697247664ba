import {
  ContextGroups,
  ContextSelect,
  type ContextSize,
  keepLastMatches,
  type Placed,
} from '#core/logs/context.ts'
import { textOf } from '#core/logs/line.ts'
import { weigh } from '#core/logs/merge.ts'
import type { Released } from '#core/logs/reorder-window.ts'

/** Which events are shown. */
export interface Wanted {
  /** Whether an event of that text is; all are if undefined. */
  readonly accepts?: ((text: string) => boolean) | undefined
  /** So many others around each that is. */
  readonly context?: ContextSize | undefined
}

/** An event that is shown; in a group if others are shown around those that were looked for. */
export interface Chosen<Source> extends Released<Source> {
  readonly group?: number
  /** Present for an event that is only shown because of one beside it. */
  readonly context?: true
}

/** Gives the next event in its turn, or undefined. */
type Next<Source> = () => Released<Source> | undefined

/** Chooses among events, and holds the last of them back while more may come. */
export class LogChoice<Source extends object> {
  readonly #wanted: Wanted
  readonly #around: ContextSelect<Source, Released<Source>> | undefined
  readonly #groups = new ContextGroups()
  #ready: Placed<Source, Released<Source>>[] = []
  #last: (Released<Source> | Placed<Source, Released<Source>>)[] = []
  #seen = 0
  #shown = 0

  constructor(wanted: Wanted) {
    this.#wanted = wanted
    if (wanted.context !== undefined && wanted.accepts !== undefined)
      this.#around = new ContextSelect<Source, Released<Source>>(wanted.context, weighEvent)
  }

  /** Lines that are not shown for what they say. */
  get hidden(): number {
    return this.#seen - this.#shown
  }

  /** The next event that is shown. */
  take(next: Next<Source>): Chosen<Source> | undefined {
    if (this.#around === undefined) return this.#takePlain(next)
    const placed = this.#takePlaced(next)
    return placed && this.#inGroup(placed)
  }

  /** Keeps the last `count` that were looked for, with what stands around them, of all that is there. */
  keepLast(count: number, next: Next<Source>): void {
    const take = this.#around === undefined ? () => this.#takePlain(next) : () => this.#takePlaced(next)
    const limit = 2 * count + 1_024
    for (let event = take(); event !== undefined; event = take()) {
      this.#last.push(event)
      if (this.#last.length >= limit * this.#spread) this.#prune(count)
    }
  }

  /** What was kept. */
  takeLast(count: number): Chosen<Source>[] {
    this.#prune(count)
    const last = this.#last
    this.#last = []
    if (this.#around === undefined) return last as Released<Source>[]
    const placed = last as Placed<Source, Released<Source>>[]
    this.#around.forgetAllBut(new Set(placed.filter(({ isMatch }) => isMatch).map(({ source }) => source)))
    return placed.map((each) => this.#inGroup(each))
  }

  /** Events kept for each that was looked for, at most. */
  get #spread(): number {
    const { context } = this.#wanted
    return context === undefined || this.#around === undefined ? 1 : 1 + context.before + context.after
  }

  #prune(count: number): void {
    const { context } = this.#wanted
    if (this.#around !== undefined && context !== undefined)
      this.#last = keepLastMatches(this.#last as Placed<Source, Released<Source>>[], count, context)
    else if (this.#last.length > count) this.#last = count === 0 ? [] : this.#last.slice(-count)
  }

  #takePlain(next: Next<Source>): Released<Source> | undefined {
    const { accepts } = this.#wanted
    if (accepts === undefined) return next()
    for (let event = next(); event !== undefined; event = next()) {
      const lines = 1 + event.rest.length
      this.#seen += lines
      // A filter sees the whole of an event: a match in a trace shows what it is the trace of.
      if (accepts(textOf(event.line, event.rest))) {
        this.#shown += lines
        return event
      }
    }
    return undefined
  }

  #takePlaced(next: Next<Source>): Placed<Source, Released<Source>> | undefined {
    while (this.#ready.length === 0) {
      const event = next()
      if (event === undefined) return undefined
      this.#seen += 1 + event.rest.length
      const isMatch = this.#wanted.accepts?.(textOf(event.line, event.rest)) ?? true
      const shown = this.#around?.offer(event.source, event, isMatch) ?? []
      for (const { item } of shown) this.#shown += 1 + item.rest.length
      this.#ready.push(...shown)
    }
    return this.#ready.shift()
  }

  #inGroup(placed: Placed<Source, Released<Source>>): Chosen<Source> {
    const group = this.#groups.groupOf(placed)
    return { ...placed.item, group, ...(placed.isMatch ? {} : { context: true }) }
  }
}

function weighEvent({ line, rest }: Released<object>): number {
  return rest.reduce((sum, each) => sum + weigh(each), weigh(line))
}
