import { styleText } from 'node:util'
import type { PgctlError } from '#core/errors.ts'
import { neutralise } from '#core/text/neutralise.ts'
import { exitStatusOf } from '../exit-codes.ts'

type Style = Parameters<typeof styleText>[0]

/** Colours text for one stream: only on a terminal, and never against NO_COLOR. */
export type Paint = (style: Style, text: string) => string

export function painter(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream })
}

/** What a person reads when a command fails: what happened, why, what to do next. */
export function renderError(error: PgctlError, paint: Paint): string {
  const lines = [`${paint('red', 'error:')} ${neutralise(error.message)}`]
  if (error.why !== undefined) lines.push(`${paint('dim', '  why:')} ${neutralise(error.why)}`)
  if (error.requestId !== undefined) lines.push(`${paint('dim', '   id:')} ${neutralise(error.requestId)}`)
  if (error.next !== undefined) lines.push(`${paint('dim', ' next:')} ${neutralise(error.next)}`)
  return lines.join('\n')
}

export interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly exit: number
  readonly why?: string
  readonly next?: string
  readonly requestId?: string
}

/** The same for a program: these fields and no others, whatever else hangs on the error. */
export function errorDocument(error: PgctlError): ErrorDocument {
  return {
    code: error.code,
    message: error.message,
    exit: exitStatusOf(error.code),
    ...(error.why === undefined ? {} : { why: error.why }),
    ...(error.next === undefined ? {} : { next: error.next }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
  }
}
