/**
 * Text from far away, made safe for a terminal.
 *
 * A log line, a tag or an error of a far end may hold escape sequences that move the cursor, rename the window or
 * answer for the person, and direction overrides that show another text than the one that is there. Each such
 * character becomes a visible escape; everything else, other scripts and emoji included, is left as it is.
 *
 * ```
 *   ESC → \x1b     CSI (U+009B) → \x9b     RIGHT-TO-LEFT OVERRIDE → \u202e     a lone surrogate → \ud800
 * ```
 */

/**
 * - C0 without tab, DEL and C1: what a terminal obeys.
 * - U+061C, U+200E, U+200F, U+202A–U+202E, U+2066–U+2069: marks, embeddings, overrides and isolates of direction
 *   (the "Trojan Source" set).
 * - U+2028, U+2029: line and paragraph separators, which some viewers break lines at.
 * - U+FEFF and U+200B: invisible, so two names could look like one.
 * - U+FFF9–U+FFFB: interlinear annotation, which hides text.
 * - Tags U+E0000–U+E007F: an invisible copy of ASCII.
 * - Lone surrogates: not text.
 */
const CLASS =
  '\\x00-\\x08\\n-\\x1f\\x7f-\\x9f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}\\ud800-\\udfff'
/** Nearly every text, and by far the fastest to ask for. */
const PLAIN = /^[\t -~]*$/
const UNSAFE = new RegExp(`[${CLASS}]`, 'u')
const EVERY_UNSAFE = new RegExp(`[${CLASS}]`, 'gu')

/** `text` on one line, with every character that a terminal would obey or hide shown as an escape; tabs stay. */
export function neutralise(text: string): string {
  // The test first: nearly every line is clean, and a clean line is returned without being copied.
  return !PLAIN.test(text) && UNSAFE.test(text) ? text.replace(EVERY_UNSAFE, escapeOf) : text
}

/**
 * The same for a JSON document: each such character becomes an escape of JSON's own, so the document's value is
 * unchanged. `JSON.stringify` itself only escapes C0.
 */
export function neutraliseJson(json: string): string {
  return !PLAIN.test(json) && UNSAFE.test(json) ? json.replace(EVERY_UNSAFE, jsonEscapeOf) : json
}

function jsonEscapeOf(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) as number
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`
}
