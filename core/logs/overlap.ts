import type { Bytes } from '#core/clock.ts'
import { fingerprint } from '#core/logs/fingerprint.ts'
import { type LogLine, type Stamp, secondOf } from '#core/logs/line.ts'

/** What a log that is taken up again should begin with: lines that have been seen. */
export interface Expected {
  /** So many lines that are no longer remembered one by one… */
  readonly counted: number
  /** …and then these, by their fingerprints. */
  readonly prints: readonly number[]
  /** The fingerprint of the very first of them; undefined where unseen lines may come before it. */
  readonly head: number | undefined
}

export interface OverlapBounds {
  /** Lines of earlier seconds have been seen. */
  readonly since: string
  /** The stamp of the line last seen. */
  readonly last: Stamp
  /** The highest stamp seen: what is later has not been seen. */
  readonly highest: Stamp
}

/** How well the seam between the two streams is known. */
export type Seam =
  /** Every seen line that should come again was recognised, or the last of them was: nothing is missing. */
  | { readonly kind: 'whole' }
  /** The line last seen is gone from the log (rotated away), and perhaps others after it. */
  | { readonly kind: 'gap'; readonly after: Stamp; readonly before: Stamp }
  /** The log differs from what was seen; lines may be missing or doubled here. */
  | { readonly kind: 'uncertain'; readonly after: Stamp }

/** A seam at which lines are missing, or may be; or are doubled. */
export type BadSeam = Exclude<Seam, { kind: 'whole' }>

/** Lines that might be new are held back for at most so much text while the seam is sought. */
const HELD_LIMIT: Bytes = 4 * 1024 * 1024

/**
 * Recognises, at the beginning of a log that is taken up again, the lines that have been seen.
 *
 * ```
 *   seen          a b c d e f
 *   comes again       c d e f g h         counted 0, prints [c d e f]: f completes it, g is new
 *   rotated               e f g h         e is found inside the prints
 *   rotated far               . h         h is later than anything seen: a gap after f
 *   joined late     y z d e f g           y and z are not ours to show: they come before the first line seen
 * ```
 *
 * Lines alike in stamp and text leave several places open at once. The place that leaves the fewest lines to be new
 * is preferred while it can still be right; what another place would make new is held back until that is settled.
 */
export class Overlap {
  readonly #expected: Expected
  readonly #bounds: OverlapBounds
  #phase: 'head' | 'counting' | 'matching' | 'searching' | 'aligned' = 'head'
  #toCount: number
  /** Whether a line with a stamp has come. */
  #hasBegun = false
  /** Places in `prints` where the next line may stand; lower ones leave fewer lines to be new. */
  #places: number[] = []
  /** Whether some place has reached the end of `prints` already. */
  #completed = false
  #held: LogLine[] = []
  #heldSize: Bytes = 0
  #disturbed = false
  /** The stamp of the first line that was not found among those seen. */
  #firstSought: Stamp | undefined
  #seam: Seam | undefined

  constructor(expected: Expected, bounds: OverlapBounds) {
    this.#expected = expected
    this.#bounds = bounds
    this.#toCount = expected.counted
    if (expected.counted + expected.prints.length === 0) this.#align(this.#uncertain())
  }

  /** Known once the seam has been passed. */
  get seam(): Seam | undefined {
    return this.#seam
  }

  /** Takes the next line of the log; gives those lines that are known to be new, in order. */
  offer(line: LogLine): readonly LogLine[] {
    if (this.#phase === 'aligned') return [line]
    // The rest of a line that began before what was asked for; it was seen as a whole.
    if (line.stamp === undefined) return this.#hasBegun ? [line] : []
    this.#hasBegun = true
    if (secondOf(line.stamp) < this.#bounds.since) return []
    const stamped = line as LogLine & { stamp: Stamp }
    switch (this.#phase) {
      case 'head':
        return this.#begin(stamped)
      case 'counting':
        return this.#countOff(stamped)
      case 'matching':
        return this.#match(stamped)
      case 'searching':
        return this.#locate(stamped)
    }
  }

  /** The log has nothing more to give now (it ended, or is quiet): gives what was held back. */
  settle(): readonly LogLine[] {
    if (this.#phase === 'matching' && this.#completed) return this.#align({ kind: 'whole' })
    if (this.#phase === 'searching') return this.#align(this.#missing())
    return []
  }

  #begin(line: LogLine & { stamp: Stamp }): readonly LogLine[] {
    if (this.#toCount === 0 || fingerprint(line) !== this.#expected.head) return this.#locate(line)
    this.#phase = 'counting'
    return this.#countOff(line)
  }

  #countOff(line: LogLine & { stamp: Stamp }): readonly LogLine[] {
    if (line.stamp > this.#bounds.highest) return this.#align(this.#uncertain(), line)
    this.#toCount -= 1
    if (this.#toCount > 0) return []
    if (this.#expected.prints.length === 0) return this.#align({ kind: 'whole' })
    this.#phase = 'matching'
    this.#places = [0]
    return []
  }

  /** Finds the line among those seen, wherever the log begins. */
  #locate(line: LogLine & { stamp: Stamp }): readonly LogLine[] {
    const print = fingerprint(line)
    const places: number[] = []
    this.#expected.prints.forEach((seen, place) => {
      if (seen === print) places.push(place + 1)
    })
    if (places.length > 0) {
      this.#drop()
      this.#phase = 'matching'
      return this.#narrow(places)
    }
    this.#firstSought ??= line.stamp
    if (line.stamp > this.#bounds.highest) return this.#align(this.#missing(), line)
    this.#phase = 'searching'
    this.#hold(line)
    return []
  }

  #match(line: LogLine & { stamp: Stamp }): readonly LogLine[] {
    const print = fingerprint(line)
    const places = this.#places.filter((place) => this.#expected.prints[place] === print)
    if (places.length > 0) {
      if (this.#completed) this.#hold(line)
      return this.#narrow(places.map((place) => place + 1))
    }
    if (this.#completed) return this.#align({ kind: 'whole' }, line)
    this.#disturbed = true
    return this.#locate(line)
  }

  /** Keeps the places that are still open; one that is through makes all lines so far seen ones. */
  #narrow(places: readonly number[]): readonly LogLine[] {
    const end = this.#expected.prints.length
    this.#places = places.filter((place) => place < end)
    if (this.#places.length < places.length) {
      this.#completed = true
      this.#drop()
    }
    return this.#completed && this.#places.length === 0 ? this.#align({ kind: 'whole' }) : []
  }

  /** Past the seam: what was held back is new, and so is `line`. */
  #align(seam: Seam, line?: LogLine): readonly LogLine[] {
    const fresh = line === undefined ? this.#held : [...this.#held, line]
    this.#phase = 'aligned'
    this.#seam = this.#disturbed ? this.#uncertain() : seam
    this.#drop()
    return fresh
  }

  /** Nothing that was seen is there; where not all of that is remembered, it could be there all the same. */
  #missing(): Seam {
    const remembered = this.#expected.counted === 0 && this.#expected.head !== undefined
    const before = this.#firstSought as Stamp
    const surely = remembered || before > this.#bounds.highest
    return surely ? { kind: 'gap', after: this.#bounds.last, before } : this.#uncertain()
  }

  #uncertain(): Seam {
    return { kind: 'uncertain', after: this.#bounds.last }
  }

  #hold(line: LogLine): void {
    this.#held.push(line)
    this.#heldSize += line.text.length
    // The earliest of them are the likeliest to have been seen; the seam says that it is not sure.
    while (this.#heldSize > HELD_LIMIT && this.#held.length > 1) {
      this.#heldSize -= (this.#held.shift() as LogLine).text.length
      this.#disturbed = true
    }
  }

  #drop(): void {
    this.#held = []
    this.#heldSize = 0
  }
}
