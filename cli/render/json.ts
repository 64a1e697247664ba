import { neutraliseJson } from '#core/text/neutralise.ts'

/** A document for a program, which a terminal may show as well: nothing in it is obeyed there, and nothing is lost. */
export function toJson(document: unknown, indent?: number): string {
  // The only bare line ends are those of the indentation.
  return JSON.stringify(document, null, indent).split('\n').map(neutraliseJson).join('\n')
}
