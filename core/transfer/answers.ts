import { PgctlError } from '#core/errors.ts'

/** What the script of an upload says: a word, numbers, and texts in base64. */
export type UploadAnswer =
  /** Where the copy will be. */
  | { readonly type: 'ready'; readonly path: string }
  /** How much of the one file an earlier copy has left. */
  | { readonly type: 'size'; readonly size: number }
  /** What `sha256sum` says of what is there. */
  | { readonly type: 'sums'; readonly text: string }
  | { readonly type: 'failed'; readonly status: number; readonly why: string }
  | { readonly type: 'stored'; readonly path: string }

const LINE = /^(?:(ready|stored|sums) ([A-Za-z0-9+/=]*)|size (\d+)|failed (\d+) ([A-Za-z0-9+/=]*))$/

/** Reads one line. @throws PgctlError `copy-corrupt` for any other. */
export function parseAnswer(line: string): UploadAnswer {
  const [, word, text, size, status, why] = LINE.exec(line) ?? []
  if (word === 'sums') return { type: 'sums', text: decode(text) }
  if (word === 'ready' || word === 'stored') return { type: word, path: decode(text) }
  if (size !== undefined) return { type: 'size', size: Number(size) }
  if (status !== undefined) return { type: 'failed', status: Number(status), why: decode(why) }
  throw new PgctlError('copy-corrupt', 'the far side answered something that is no answer', {
    why: JSON.stringify(line.slice(0, 200)),
    next: 'run the command again; if it fails so again, see what a shell prints there: pgctl login',
  })
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8')
}
